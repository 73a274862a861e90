from __future__ import annotations

import shutil
import struct
import subprocess
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcheck.binary.blob import FileBlob, MemoryBlob
from stackcheck.binary.elf import MalformedElf, read_elf

SOURCE = """
#include <stdio.h>
#include <math.h>
double twice(double x) { printf("%f", x); return sqrt(x) * 2; }
__asm__(".pushsection .note.demo,\\"a\\",@note\\n .long 5, 8, 7\\n .asciz \\"DEMO\\"\\n .balign 4\\n"
        " .quad 42\\n .popsection");
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("elf")
    source = folder / "demo.c"
    source.write_text(SOURCE)
    path = folder / "libdemo.so"
    arguments = ["-shared", "-fPIC", "-Wl,-soname,libdemo.so.3", "-Wl,--no-as-needed"]
    paths = ["-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/../lib:/opt/x"]
    subprocess.run([compiler, *arguments, *paths, "-o", path, source, "-lm"], check=True)
    return path


def test_reads_what_the_loader_reads(library):
    blob = FileBlob(library)
    elf = read_elf(blob)
    blob.close()
    assert elf.machine in ("x86_64", "aarch64")
    assert elf.soname == "libdemo.so.3"
    assert {"libm.so.6", "libc.so.6"} <= set(elf.needed)
    assert elf.runpath == ("$ORIGIN/../lib", "/opt/x")
    assert not elf.is_rpath
    assert any(section.name == ".dynamic" and section.size > 0 for section in elf.sections)


def test_tells_the_oldest_glibc_from_symbol_versions(library):
    blob = FileBlob(library)
    elf = read_elf(blob)
    blob.close()
    assert all(name.startswith("GLIBC") for name in elf.version_needs["libc.so.6"])
    newest = elf.newest("GLIBC_")
    assert newest is not None
    assert newest.major == 2
    assert elf.newest("GLIBCXX_") is None


def test_reads_notes_of_any_owner(library):
    blob = FileBlob(library)
    notes = [note for note in read_elf(blob).notes if note.owner == "DEMO"]
    blob.close()
    assert [(note.type, struct.unpack("<Q", note.content)) for note in notes] == [(7, (42,))]


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF", b"MZ" + bytes(200), bytes(64), b"\x7fELF" + bytes(60)]
)
def test_refuses_what_is_no_elf_file(data):
    with pytest.raises(MalformedElf):
        read_elf(MemoryBlob(data))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_broken_files_end_in_its_own_error(library, data):
    content = bytearray(library.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 6))):
        if content:
            at = data.draw(st.one_of(st.integers(0, 255), st.integers(0, len(content) - 1)))
            content[min(at, len(content) - 1)] = data.draw(st.integers(0, 255))
    with suppress(MalformedElf):
        assert read_elf(MemoryBlob(bytes(content))).machine
