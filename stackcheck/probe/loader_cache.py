"""The dynamic loader's cache, `/etc/ld.so.cache`, read as ld.so reads it.

Format: `struct cache_file_new` in glibc's sysdeps/generic/dl-cache.h; an older header may stand before it.
"""

from __future__ import annotations

import struct

from stackcheck.model.record import record

__all__ = ["CacheEntry", "MalformedCache", "read_cache"]

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<II")
_HEADER_SIZE = 48
_ENTRY = struct.Struct("<iIIIQ")
_ARCHES = {"x86_64": 0x0300, "aarch64": 0x0A00, "ppc64le": 0x0500, "riscv64": 0x1000}
"""Bits 8 to 15 of an entry's flags: which of the libraries on a multi-architecture system it is."""


class MalformedCache(ValueError):
    """The bytes are no loader cache."""


@record(frozen=True)
class CacheEntry:
    """A soname and the file that the loader takes for it."""

    soname: str
    path: str


def read_cache(data: bytes, arch: str | None) -> tuple[CacheEntry, ...]:
    """Return the entries for an architecture in the cache's own order, all of them where it is not known.

    Raises `MalformedCache`.
    """
    start = data.find(_MAGIC)
    if start < 0:
        raise MalformedCache("has no glibc-ld.so.cache1.1 header")
    body = data[start:]
    if len(body) < _HEADER_SIZE:
        raise MalformedCache("ends inside its header")
    count, _ = _HEADER.unpack_from(body, len(_MAGIC))
    if _HEADER_SIZE + count * _ENTRY.size > len(body):
        raise MalformedCache(f"is too short for its {count} entries")
    wanted = _ARCHES.get(arch or "")
    entries = []
    for position in range(count):
        flags, key, value, _, _ = _ENTRY.unpack_from(body, _HEADER_SIZE + position * _ENTRY.size)
        if wanted is None or flags & 0xFF00 == wanted:
            entries.append(CacheEntry(_string(body, key), _string(body, value)))
    return tuple(entries)


def _string(body: bytes, offset: int) -> str:
    end = body.find(b"\0", offset)
    if offset >= len(body) or end < 0:
        raise MalformedCache(f"points outside of itself at {offset}")
    return body[offset:end].decode("utf-8", "replace")
