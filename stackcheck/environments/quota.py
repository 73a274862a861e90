"""What the user's disk quota leaves, asked of the kernel: local file systems answer, most of those on a network do not.

`quotactl_fd(2)` (Linux 5.14) takes a directory, where the older call wants its block device, which users may not see.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Quota", "quota_of", "read_quota"]

_CALL = 443
"""The system call's number, the same on every architecture."""
_GET_USER_QUOTA = 0x800007 << 8
_BLOCK = 1024
"""Bytes that a block limit counts in, whatever the file system's own blocks."""
_LAYOUT = struct.Struct("=QQQQQQQQI")
"""`struct if_dqblk` of linux/quota.h: hard and soft limit of blocks, bytes used, hard and soft limit of files, files
used, two times of grace, and which of these are valid."""


@dataclass(frozen=True)
class Quota:
    """What is left; None where there is no limit."""

    free_bytes: int | None
    free_files: int | None


def read_quota(answer: bytes) -> Quota:
    """Return what a kernel's answer leaves. The soft limit counts: beyond it only the days of grace are left."""
    hard, soft, used, hard_files, soft_files, files, *_ = _LAYOUT.unpack(answer[: _LAYOUT.size])
    blocks, most_files = soft or hard, soft_files or hard_files
    return Quota(
        max(blocks * _BLOCK - used, 0) if blocks else None,
        max(most_files - files, 0) if most_files else None,
    )


def quota_of(folder: Path) -> Quota | None:
    """Return the user's quota where the folder lies; None where there is none or the file system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    answer = ctypes.create_string_buffer(128)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        failed = ctypes.CDLL(None).syscall(
            _CALL, descriptor, ctypes.c_uint(_GET_USER_QUOTA), os.getuid(), answer
        )
    except (OSError, AttributeError):
        return None
    finally:
        os.close(descriptor)
    return None if failed else read_quota(answer.raw)
