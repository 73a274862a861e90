"""GPU architectures in the fat binaries that nvcc embeds in libraries; only their headers are read.

The layout is not documented by NVIDIA. A fat binary is a header of 16 bytes (magic, version, header size, bytes that
follow) and entries; an entry says its kind, header size, bytes and architecture, whether or not its code is compressed.
Measured with the fatbinary tool of CUDA 13 and checked against the targets that it was given.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator

from stackcheck.binary.blob import Blob, slice_blob
from stackcheck.binary.elf import ElfFile, read_elf
from stackcheck.errors import StackCheckError
from stackcheck.model.version import Architecture

__all__ = [
    "FATBIN_START",
    "MalformedFatbin",
    "architectures_of",
    "count_architectures",
    "scan_fatbins",
]

_MAGIC = 0xBA55ED50
_MAGIC_BYTES = struct.pack("<I", _MAGIC)
_HEADER = struct.Struct("<IHHQ")
FATBIN_START = re.compile(
    re.escape(struct.pack("<IHH", _MAGIC, 1, _HEADER.size)) + rb".{8}[\x01\x02\x10]\x00\x01\x01",
    re.DOTALL,
)
"""Begin of a fat binary: its header, then kind and version of the first entry; the magic number stands in code, too."""
_ENTRY = struct.Struct("<HHIQIIHHI")
_FLAGS = struct.Struct("<Q")
_FLAGS_AT = 40
_SUFFIXES = ((1 << 20, "a"), (1 << 21, "f"))
"""Flags of code for one capability (`sm_90a`) or one family (`sm_100f`)."""
_KIND_PTX = 1
_KINDS_CODE = (2, 16)
"""Machine code: a cubin, or what CUDA 12.8 and later call Mercury."""
_SECTIONS = (".nv_fatbin", "__nv_relfatbin", ".nv_fatb")
_WINDOW = 1 << 20


class MalformedFatbin(StackCheckError):
    """A fat binary whose headers contradict each other."""


def count_architectures(blob: Blob, elf: ElfFile | None = None) -> Counter[Architecture]:
    """Count the entries per architecture in an ELF file's fat binaries.

    Raises `MalformedElf` or `MalformedFatbin`.
    """
    elf = elf or read_elf(blob)
    counts: Counter[Architecture] = Counter()
    for section in elf.sections:
        if section.name.startswith(_SECTIONS):
            counts.update(scan_fatbins(slice_blob(blob, section.offset, section.size)))
    return counts


def architectures_of(counts: Counter[Architecture]) -> tuple[Architecture, ...]:
    """Return the architectures in ascending order, machine code before PTX."""
    return tuple(sorted(counts, key=lambda item: (item.ptx, item.major, item.minor, item.suffix)))


def scan_fatbins(blob: Blob) -> Iterator[Architecture]:
    """Yield the architecture of every entry of every fat binary in a section, or in any bytes.

    Raises `MalformedFatbin` where an entry leaves its fat binary.
    """
    at = 0
    while (at := _find(blob, at)) >= 0:
        head = blob.read_at(at, _HEADER.size)
        if len(head) < _HEADER.size:
            return
        _, _, header_size, size = _HEADER.unpack(head)
        end = at + header_size + size
        if header_size < _HEADER.size or end > blob.size:
            # The magic number of something else, such as data that mention it.
            at += 4
            continue
        yield from _entries(blob, at + header_size, end)
        at = end


def _find(blob: Blob, start: int) -> int:
    """Return where the next fat binary begins, -1 if there is none; they are aligned to 8 bytes."""
    at = start
    window = 4096
    while at < blob.size:
        data = blob.read_at(at, window)
        found = data.find(_MAGIC_BYTES)
        if found >= 0:
            return at + found
        if len(data) < window:
            return -1
        at += len(data) - len(_MAGIC_BYTES) + 1
        window = _WINDOW
    return -1


def _entries(blob: Blob, start: int, end: int) -> Iterator[Architecture]:
    at = start
    while at + _ENTRY.size <= end:
        data = blob.read_at(at, _FLAGS_AT + _FLAGS.size)
        if len(data) < _ENTRY.size:
            raise MalformedFatbin(f"fat binary breaks off at byte {at}")
        kind, _, header_size, size, _, _, _, _, number = _ENTRY.unpack_from(data)
        if header_size < _ENTRY.size or at + header_size + size > end:
            raise MalformedFatbin(f"entry at byte {at} leaves its fat binary")
        if (kind == _KIND_PTX or kind in _KINDS_CODE) and 10 <= number < 10000:
            yield Architecture(number // 10, number % 10, _suffix(data), kind == _KIND_PTX)
        at += header_size + size


def _suffix(entry: bytes) -> str:
    if len(entry) < _FLAGS_AT + _FLAGS.size:
        return ""
    (flags,) = _FLAGS.unpack_from(entry, _FLAGS_AT)
    return next((suffix for bit, suffix in _SUFFIXES if flags & bit), "")
