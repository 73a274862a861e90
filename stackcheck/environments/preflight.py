"""What is looked at before gigabytes are fetched: room, inodes, permissions, mount options."""

from __future__ import annotations

import os
from pathlib import Path

from stackcheck.environments.quota import quota_of
from stackcheck.errors import InputError, StackCheckError

__all__ = ["Unsuitable", "check_place", "check_room", "format_bytes"]

_UNPACKED = 2.6
"""Bytes on disk for each byte of wheels or packages, as torch (192 MB to 754 MB with its dependencies), TensorFlow
and CUDA's libraries (hardly compressible) have it on average."""
_FILES_AT_LEAST = 30_000
"""Files of a framework with its dependencies."""


class Unsuitable(StackCheckError):
    """The place cannot take the environment."""


def format_bytes(count: float) -> str:
    """Return a size as people read it: `1.9 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _existing_parent(prefix: Path) -> Path:
    return next(path for path in (prefix, *prefix.parents) if path.exists())


def check_place(prefix: Path) -> None:
    """Raise `Unsuitable` for a place that no environment can work in, `InputError` for one below a file."""
    parent = _existing_parent(prefix)
    if not parent.is_dir():
        raise InputError(f"{parent}: is not a directory; choose a prefix elsewhere")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise Unsuitable(f"{parent}: not writable for you; choose a prefix elsewhere")
    if not hasattr(os, "statvfs"):
        return
    status = os.statvfs(parent)
    if status.f_flag & getattr(os, "ST_RDONLY", 1):
        raise Unsuitable(f"{parent}: mounted read-only; choose a prefix elsewhere")
    if status.f_flag & getattr(os, "ST_NOEXEC", 8):
        raise Unsuitable(
            f"{parent}: mounted noexec, nothing in it can be run; choose a prefix elsewhere"
        )
    if status.f_files and status.f_favail < _FILES_AT_LEAST:
        raise Unsuitable(
            f"{parent}: only {status.f_favail} free inodes, an environment needs some {_FILES_AT_LEAST}"
        )
    quota = quota_of(parent)
    if quota is not None and quota.free_files is not None and quota.free_files < _FILES_AT_LEAST:
        raise Unsuitable(
            f"{parent}: your quota leaves {quota.free_files} files, an environment needs some {_FILES_AT_LEAST}"
        )


def check_room(prefix: Path, download_bytes: int) -> None:
    """Raise `Unsuitable` if what is downloaded cannot be unpacked there, for want of room or of quota.

    The quotas of network file systems, which their servers keep, show only when they are hit.
    """
    if not hasattr(os, "statvfs"):
        return
    parent = _existing_parent(prefix)
    status = os.statvfs(parent)
    free = status.f_bavail * status.f_frsize
    needed = int(download_bytes * _UNPACKED)
    if free < needed:
        raise Unsuitable(
            f"{parent}: {format_bytes(free)} free, the environment needs about {format_bytes(needed)}"
        )
    quota = quota_of(parent)
    if quota is not None and quota.free_bytes is not None and quota.free_bytes < needed:
        raise Unsuitable(
            f"{parent}: your quota leaves {format_bytes(quota.free_bytes)}, "
            f"the environment needs about {format_bytes(needed)}"
        )
