"""What the loader reads of an ELF file: needed libraries, search path, symbol versions, notes.

Format: gABI, https://gabi.xinuos.com; GNU symbol versioning, LSB Core 10.7.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stackcheck.binary.blob import Blob, BlobStream
from stackcheck.errors import StackCheckError
from stackcheck.model.version import Version, parse_version

__all__ = ["ElfFile", "ElfNote", "MalformedElf", "Section", "read_elf"]


class MalformedElf(StackCheckError):
    """Not an ELF file, or a broken one."""


@dataclass(frozen=True)
class Section:
    """A named part of the file."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class ElfNote:
    """A note: its owner, type and raw content."""

    owner: str
    type: int
    content: bytes


@dataclass(frozen=True)
class ElfFile:
    """The dynamic part of an ELF file."""

    machine: str
    """`x86_64`, `aarch64`, or pyelftools' name of another."""
    soname: str = ""
    needed: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    """DT_RUNPATH, or DT_RPATH where there is none; `$ORIGIN` as it stands."""
    is_rpath: bool = False
    """Whether `runpath` is the older DT_RPATH, which the loader takes before LD_LIBRARY_PATH."""
    version_needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Needed library to the symbol versions wanted of it (`GLIBC_2.17`)."""
    notes: tuple[ElfNote, ...] = ()
    sections: tuple[Section, ...] = ()

    def newest(self, prefix: str) -> Version | None:
        """Return the newest symbol version wanted with a prefix (`GLIBC_`, `GLIBCXX_`); None if none is."""
        found = [
            name[len(prefix) :]
            for names in self.version_needs.values()
            for name in names
            if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isdigit()
        ]
        return max(map(parse_version, found), default=None)


_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}
_MAX_NOTE_BYTES = 1 << 20


def read_elf(blob: Blob) -> ElfFile:
    """Read the dynamic part. Raises `MalformedElf`."""
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    with _own_errors():
        elf = ELFFile(io.BufferedReader(BlobStream(blob), buffer_size=64 * 1024))
        machine = str(elf["e_machine"])
        tags: dict[str, list[str]] = {}
        for segment in elf.iter_segments("PT_DYNAMIC"):
            if isinstance(segment, DynamicSegment):
                _read_dynamic(segment, tags)
        sections = tuple(
            Section(section.name, int(section["sh_offset"]), int(section["sh_size"]))
            for section in elf.iter_sections()
            if section["sh_type"] != "SHT_NULL"
        )
        rpath, runpath = tags.get("DT_RPATH", []), tags.get("DT_RUNPATH", [])
        return ElfFile(
            machine=_MACHINES.get(machine, machine),
            soname=tags.get("DT_SONAME", [""])[0],
            needed=tuple(tags.get("DT_NEEDED", ())),
            runpath=tuple(part for path in runpath or rpath for part in path.split(":") if part),
            is_rpath=bool(rpath and not runpath),
            version_needs=_version_needs(elf),
            notes=tuple(_notes(elf)),
            sections=sections,
        )


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn what pyelftools lets slip on broken files, which it hardly checks, into `MalformedElf`."""
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError

    try:
        yield
    except (
        ELFError,
        ConstructError,
        struct.error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        AssertionError,
        OSError,
        MemoryError,
        RecursionError,
    ) as error:
        raise MalformedElf(
            f"no ELF file, or a broken one: {str(error) or type(error).__name__}"
        ) from error


def _read_dynamic(segment: Any, tags: dict[str, list[str]]) -> None:
    names = {
        "DT_NEEDED": "needed",
        "DT_SONAME": "soname",
        "DT_RPATH": "rpath",
        "DT_RUNPATH": "runpath",
    }
    for tag in segment.iter_tags():
        kind = str(tag.entry.d_tag)
        if kind in names:
            tags.setdefault(kind, []).append(str(getattr(tag, names[kind])))


def _version_needs(elf: Any) -> dict[str, tuple[str, ...]]:
    section = next(
        (part for part in elf.iter_sections() if part["sh_type"] == "SHT_GNU_verneed"), None
    )
    if section is None:
        return {}
    return {
        str(library.name): tuple(str(version.name) for version in versions)
        for library, versions in section.iter_versions()
    }


def _notes(elf: Any) -> Iterator[ElfNote]:
    for segment in elf.iter_segments("PT_NOTE"):
        if segment["p_filesz"] > _MAX_NOTE_BYTES:
            continue
        yield from _parse_notes(segment.data(), elf.little_endian)


def _parse_notes(data: bytes, little_endian: bool) -> Iterator[ElfNote]:
    """Parse notes by hand: pyelftools interprets the content of some, and fails on those of other owners."""
    header = struct.Struct(("<" if little_endian else ">") + "III")
    at = 0
    while at + header.size <= len(data):
        name_size, content_size, kind = header.unpack_from(data, at)
        name_at = at + header.size
        content_at = name_at + (name_size + 3) // 4 * 4
        owner = data[name_at : name_at + name_size].rstrip(b"\0").decode("ascii", "replace")
        yield ElfNote(owner, kind, data[content_at : content_at + content_size])
        at = content_at + (content_size + 3) // 4 * 4
