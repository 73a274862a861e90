"""Writes ELF64 shared libraries that have headers and nothing behind them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

MACHINES = {"x86_64": 62, "aarch64": 183}
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")


def make_elf(
    *,
    soname: str = "",
    needed: Sequence[str] = (),
    runpath: str = "",
    rpath: str = "",
    arch: str = "x86_64",
    sections: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a library whose file offsets are its addresses: one PT_LOAD, one PT_DYNAMIC, named sections."""
    strings = bytearray(b"\0")

    def put(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text.encode()) - 1

    tags = [(1, put(name)) for name in needed]
    for tag, text in ((14, soname), (15, rpath), (29, runpath)):
        if text:
            tags.append((tag, put(text)))
    dynamic_at = HEADER.size + 2 * PROGRAM.size
    strings_at = dynamic_at + 16 * (len(tags) + 3)
    tags += [(5, strings_at), (10, len(strings)), (0, 0)]
    body = b"".join(struct.pack("<qQ", *tag) for tag in tags) + bytes(strings)
    parts = {"": b"", **(sections or {})}
    names = b"\0".join(name.encode() for name in (*parts, ".shstrtab")) + b"\0"
    parts[".shstrtab"] = names
    at = dynamic_at + len(body)
    table = []
    for name, content in parts.items():
        kind = 0 if not name else 3 if name == ".shstrtab" else 7
        place = names.index(name.encode() + b"\0") if name else 0
        table.append(SECTION.pack(place, kind, 0, 0, at if name else 0, len(content), 0, 0, 1, 0))
        at += len(content)
    header = HEADER.pack(
        b"\x7fELF\x02\x01\x01" + bytes(9),
        3,
        MACHINES[arch],
        1,
        0,
        HEADER.size,
        at,
        0,
        HEADER.size,
        PROGRAM.size,
        2,
        SECTION.size,
        len(table),
        len(table) - 1,
    )
    size = dynamic_at + len(body)
    load = PROGRAM.pack(1, 4, 0, 0, 0, size, size, 4096)
    dynamic = PROGRAM.pack(
        2, 4, dynamic_at, dynamic_at, dynamic_at, 16 * len(tags), 16 * len(tags), 8
    )
    return header + load + dynamic + body + b"".join(parts.values()) + b"".join(table)


def make_note(owner: str, content: bytes) -> bytes:
    """Return one ELF note."""
    name = owner.encode() + b"\0"

    def padded(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    return struct.pack("<III", len(name), len(content), 1) + padded(name) + padded(content)


def make_loader_cache(entries: Sequence[tuple[str, str]], arch: str = "x86_64") -> bytes:
    """Return an /etc/ld.so.cache of (soname, path) pairs, as glibc 2.32 and later write it."""
    flags = 3 | {"x86_64": 0x0300, "aarch64": 0x0A00}[arch]
    strings = bytearray()
    start = 48 + 24 * len(entries)
    table = b""
    for soname, path in entries:
        key = start + len(strings)
        strings += soname.encode() + b"\0"
        value = start + len(strings)
        strings += path.encode() + b"\0"
        table += struct.pack("<iIIIQ", flags, key, value, 0, 0)
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings)) + bytes(20)
    return head + table + bytes(strings)
