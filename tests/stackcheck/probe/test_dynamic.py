from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcheck.binary.blob import FileBlob
from stackcheck.binary.elf import read_elf
from stackcheck.model.fact import Known, Unknown
from stackcheck.probe.dynamic import read_dynamic, read_section
from stackcheck.probe.host import HostReader
from tests.hardware.elf_file import make_elf


def real_libraries() -> list[Path]:
    found = sorted(Path(sys.prefix).glob("lib/python3*/site-packages/*/**/*.so"))
    return [*found[:: max(1, len(found) // 12)], *Path(sys.executable).resolve().parents[:0]]


@pytest.mark.skipif(sys.platform != "linux", reason="ELF files are Linux'")
@pytest.mark.parametrize("path", real_libraries(), ids=lambda path: path.name)
def test_agrees_with_the_full_parser(path: Path) -> None:
    blob = FileBlob(path)
    whole = read_elf(blob)
    blob.close()
    origin = str(path.resolve().parent)
    light = read_dynamic(HostReader(), str(path)).get()
    assert light is not None
    assert light.needed == whole.needed
    assert light.soname == whole.soname
    expected = tuple(part.replace("$ORIGIN", origin) for part in whole.runpath)
    assert (light.rpath if whole.is_rpath else light.runpath) == expected


def test_reads_what_was_written(tmp_path: Path) -> None:
    content = make_elf(
        soname="liba.so.1",
        needed=["libcudnn.so.9", "libc.so.6"],
        runpath="$ORIGIN/../lib:/opt",
        sections={".mine": b"four"},
    )
    (tmp_path / "liba.so.1").write_bytes(content)
    path = str(tmp_path / "liba.so.1")
    found = read_dynamic(HostReader(), path).get()
    assert found is not None
    assert (found.soname, found.needed) == ("liba.so.1", ("libcudnn.so.9", "libc.so.6"))
    assert found.runpath == (f"{tmp_path}/../lib", "/opt")
    assert read_section(HostReader(), path, ".mine") == Known(b"four", path)
    assert read_section(HostReader(), path, ".yours") == Known(None, path)


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"GROUP ( libc.so.6 )", b"\x7fELF\x01\x01" * 20]
)
def test_what_is_no_such_file_is_unknown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lib").write_bytes(content)
    assert isinstance(read_dynamic(HostReader(), str(tmp_path / "lib")), Unknown)
    assert isinstance(read_section(HostReader(), str(tmp_path / "lib"), ".x"), Unknown)
