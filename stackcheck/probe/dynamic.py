"""The few headers of a shared library that doctor needs, read by hand.

`stackcheck.binary.elf` reads everything; loading its parser takes longer than all the rest of a probe, and doctor wants
only sonames, search paths and one note, of ELF64 little-endian files. Format: gABI, https://gabi.xinuos.com.
"""

from __future__ import annotations

import struct

from stackcheck.model.fact import Fact, Known, Unknown
from stackcheck.model.record import record
from stackcheck.probe.host import HostReader

__all__ = ["DynamicSection", "read_dynamic", "read_section"]

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_ENTRY = struct.Struct("<qQ")
_PT_LOAD, _PT_DYNAMIC = 1, 2
_NEEDED, _STRINGS, _SONAME, _RPATH, _RUNPATH = 1, 5, 14, 15, 29
_COUNT_MAX = 4096
_SIZE_MAX = 1 << 22
"""Bytes of a table that are read at most."""
_STRING_MAX = 4096


class _Malformed(ValueError):
    """Not an ELF64 little-endian file, or a broken one."""


@record(frozen=True)
class DynamicSection:
    """What the loader reads of a library."""

    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: tuple[str, ...] = ()
    """DT_RPATH: searched before LD_LIBRARY_PATH, and not at all where there is a DT_RUNPATH."""
    runpath: tuple[str, ...] = ()


def read_dynamic(host: HostReader, path: str) -> Fact[DynamicSection]:
    """Return a library's needs and search paths, `$ORIGIN` replaced by its directory."""
    try:
        return Known(_dynamic(host, path), path)
    except (_Malformed, struct.error) as error:
        return Unknown(str(error), path)


def read_section(host: HostReader, path: str, name: str) -> Fact[bytes | None]:
    """Return the bytes of a named section, None if the file has no such section."""
    try:
        return Known(_section(host, path, name.encode()), path)
    except (_Malformed, struct.error) as error:
        return Unknown(str(error), path)


def _read(host: HostReader, path: str, offset: int, size: int) -> bytes:
    if size > _SIZE_MAX:
        raise _Malformed(f"has a table of {size} bytes")
    data = host.read(path, size, offset)
    if not isinstance(data, Known):
        raise _Malformed(data.reason if isinstance(data, Unknown) else "is not there")
    if len(data.value) < size:
        raise _Malformed("ends early")
    return data.value


def _header(host: HostReader, path: str) -> tuple[int, ...]:
    data = _read(host, path, 0, _HEADER.size)
    identity, *fields = _HEADER.unpack(data)
    if identity[:4] != b"\x7fELF" or identity[4:6] != b"\x02\x01":
        raise _Malformed("is no ELF64 little-endian file")
    return tuple(fields)


def _table(
    host: HostReader, path: str, at: int, entry: int, count: int, form: struct.Struct
) -> list[tuple[int, ...]]:
    if entry != form.size or count > _COUNT_MAX:
        raise _Malformed("has a table of unknown form")
    return list(form.iter_unpack(_read(host, path, at, entry * count)))


def _dynamic(host: HostReader, path: str) -> DynamicSection:
    header = _header(host, path)
    programs = _table(host, path, header[4], header[8], header[9], _PROGRAM)
    loads = [(program[3], program[2], program[5]) for program in programs if program[0] == _PT_LOAD]
    part = next((program for program in programs if program[0] == _PT_DYNAMIC), None)
    if part is None:
        return DynamicSection()
    tags: dict[int, list[int]] = {}
    for tag, value in _ENTRY.iter_unpack(_read(host, path, part[2], part[5] // 16 * 16)):
        if tag == 0:
            break
        tags.setdefault(tag, []).append(value)
    address = tags.get(_STRINGS, [0])[0]
    offset = next(
        (at + address - start for start, at, length in loads if start <= address < start + length),
        None,
    )
    if offset is None:
        raise _Malformed("has no string table")
    origin = host.real_path(path).rpartition("/")[0]

    def strings(tag: int) -> tuple[str, ...]:
        return tuple(_string(host, path, offset + value) for value in tags.get(tag, ()))

    def paths(tag: int) -> tuple[str, ...]:
        return tuple(
            entry.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)
            for text in strings(tag)
            for entry in text.split(":")
            if entry
        )

    return DynamicSection(
        needed=strings(_NEEDED),
        soname=next(iter(strings(_SONAME)), ""),
        rpath=paths(_RPATH),
        runpath=paths(_RUNPATH),
    )


def _string(host: HostReader, path: str, at: int) -> str:
    """Read one string where it stands: the whole table of a framework's library has megabytes of symbols."""
    data = host.read(path, _STRING_MAX, at).peek() or b""
    text, end, _ = data.partition(b"\0")
    if not end:
        raise _Malformed("names a string outside of its table")
    return text.decode("utf-8", "replace")


def _section(host: HostReader, path: str, name: bytes) -> bytes | None:
    header = _header(host, path)
    sections = _table(host, path, header[5], header[10], header[11], _SECTION) if header[11] else []
    if not sections:
        return None
    if header[12] >= len(sections):
        raise _Malformed("names its sections nowhere")
    names = _read(host, path, sections[header[12]][4], sections[header[12]][5])
    for section in sections:
        if names[section[0] :].startswith(name + b"\0"):
            return _read(host, path, section[4], section[5])
    return None
