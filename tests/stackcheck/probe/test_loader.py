from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.probe.host import HostReader
from stackcheck.probe.loader import Loader, version_in_name
from stackcheck.probe.loader_cache import MalformedCache, read_cache
from tests.hardware.elf_file import make_elf, make_loader_cache, make_note

NOTE = ".note.cuda.fwd_compatibility"


def put(root: Path, path: str, content: bytes = b"") -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content or make_elf(soname=path.rpartition("/")[2]))


def loader(root: Path, library_path: str = "", arch: str = "x86_64") -> Loader:
    return Loader(HostReader(root, {"environment": {"LD_LIBRARY_PATH": library_path}}), arch)


def test_ld_library_path_comes_before_the_cache_and_the_cache_before_the_defaults(
    tmp_path: Path,
) -> None:
    for directory in ("/opt/mine", "/opt/cached", "/usr/lib/x86_64-linux-gnu"):
        put(tmp_path, f"{directory}/libcuda.so.1")
    cache = make_loader_cache([("libcuda.so.1", "/opt/cached/libcuda.so.1")])
    put(tmp_path, "/etc/ld.so.cache", cache)
    assert loader(tmp_path, "/opt/mine").resolve("libcuda.so.1").get() == "/opt/mine/libcuda.so.1"
    assert loader(tmp_path).resolve("libcuda.so.1").get() == "/opt/cached/libcuda.so.1"
    (tmp_path / "opt/cached/libcuda.so.1").unlink()
    expected = "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
    assert loader(tmp_path).resolve("libcuda.so.1").get() == expected


def test_a_library_of_another_architecture_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "/opt/other/libcuda.so.1", make_elf(soname="libcuda.so.1", arch="aarch64"))
    put(tmp_path, "/lib64/libcuda.so.1")
    found = loader(tmp_path, "/opt/other").resolve("libcuda.so.1")
    assert found.get() == "/lib64/libcuda.so.1"


def test_nothing_found_is_absent_with_a_cache_and_unknown_with_a_broken_one(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ld.so.cache", make_loader_cache([]))
    assert isinstance(loader(tmp_path).resolve("libcuda.so.1"), Absent)
    put(tmp_path, "/etc/ld.so.cache", b"glibc-ld.so.cache1.1 and rubbish")
    assert isinstance(loader(tmp_path).resolve("libcuda.so.1"), Unknown)


LDCONFIG = shutil.which("ldconfig") or shutil.which("ldconfig", path="/sbin:/usr/sbin")


@pytest.mark.skipif(LDCONFIG is None, reason="no ldconfig")
def test_reads_the_real_cache_as_ldconfig_does() -> None:
    path = Path("/etc/ld.so.cache")
    if not path.exists():
        pytest.skip("no loader cache here")
    text = subprocess.run(
        [str(LDCONFIG), "-p"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    ).stdout
    printed = set(re.findall(r"^\t(\S+) \(.*\) => (\S+)$", text, re.MULTILINE))
    entries = {(entry.soname, entry.path) for entry in read_cache(path.read_bytes(), None)}
    assert entries == printed
    assert len(entries) > 10


def test_an_entry_of_another_architecture_is_left_out() -> None:
    data = make_loader_cache([("libcuda.so.1", "/a/libcuda.so.1")], "aarch64")
    assert read_cache(data, "x86_64") == ()
    assert len(read_cache(data, "aarch64")) == 1


def test_an_older_header_before_the_cache_is_skipped() -> None:
    data = make_loader_cache([("libc.so.6", "/lib/libc.so.6")])
    assert len(read_cache(b"ld.so-1.7.0\0" + bytes(12) + data, "x86_64")) == 1


@pytest.mark.parametrize("cut", [0, 10, 30, 47, 60, 75, 80])
def test_a_truncated_cache_is_malformed(cut: int) -> None:
    data = make_loader_cache([("libcuda.so.1", "/a/libcuda.so.1")])
    with pytest.raises(MalformedCache):
        read_cache(data[:cut], "x86_64")


def test_follows_the_includes_of_ld_so_conf(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ld.so.conf", b"include ld.so.conf.d/*.conf\n/usr/lib/last # why\n")
    put(tmp_path, "/etc/ld.so.conf.d/a.conf", b"# first\n/opt/a\n")
    put(tmp_path, "/etc/ld.so.conf.d/b.conf", b"/opt/b/\n")
    put(tmp_path, "/etc/ld.so.conf.d/c.other", b"/opt/c\n")
    assert loader(tmp_path).configured_directories == ("/opt/a", "/opt/b", "/usr/lib/last")


def test_a_driver_library_has_the_release_of_the_file_behind_its_links(tmp_path: Path) -> None:
    put(tmp_path, "/lib64/libcuda.so.580.95.05")
    (tmp_path / "lib64/libcuda.so.1").symlink_to("libcuda.so.580.95.05")
    library = loader(tmp_path).driver_library("libcuda.so.1").get()
    assert library is not None
    assert str(library.version.get()) == "580.95.05"
    assert isinstance(library.forward_compatible_with, Absent)


def test_jetson_and_wsl_libraries_name_no_release(tmp_path: Path) -> None:
    put(tmp_path, "/lib64/libcuda.so.1.1")
    (tmp_path / "lib64/libcuda.so.1").symlink_to("libcuda.so.1.1")
    library = loader(tmp_path).driver_library("libcuda.so.1").get()
    assert library is not None
    assert isinstance(library.version, Absent)


def test_reads_the_note_of_cuda_compat(tmp_path: Path) -> None:
    note = make_note("NVIDIA Corporation", b'{"CUDA Version": "13.0", "Driver": [535, 570]}')
    content = make_elf(soname="libcuda.so.1", sections={NOTE: note})
    put(tmp_path, "/compat/libcuda.so.1", content)
    library = loader(tmp_path, "/compat").driver_library("libcuda.so.1").get()
    assert library is not None
    assert library.forward_compatible_with.get() == (535, 570)


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"Driver": 7}', b'{"Driver": ["a"]}'])
def test_a_malformed_note_is_unknown(tmp_path: Path, payload: bytes) -> None:
    content = make_elf(sections={NOTE: make_note("NVIDIA Corporation", payload)})
    put(tmp_path, "/compat/libcuda.so.1", content)
    library = loader(tmp_path, "/compat").driver_library("libcuda.so.1").get()
    assert library is not None
    assert isinstance(library.forward_compatible_with, Unknown)


def test_lists_every_libcuda_of_the_system_once(tmp_path: Path) -> None:
    put(tmp_path, "/lib64/libcuda.so.580.95.05")
    (tmp_path / "lib64/libcuda.so.1").symlink_to("libcuda.so.580.95.05")
    put(tmp_path, "/usr/lib64/libcuda.so.570.124.06")
    put(tmp_path, "/opt/mine/libcuda.so.535.54.03")
    found = loader(tmp_path, "/opt/mine").every("libcuda").get() or ()
    assert sorted(str(library.version.get()) for library in found) == ["570.124.06", "580.95.05"]


def test_the_version_stands_behind_so() -> None:
    assert version_in_name("/lib/libcublas.so.12.4.5.8") == "12.4.5.8"
    assert version_in_name("/lib/libcublas.so") is None
    known = Loader(HostReader(), "x86_64").library("libcublas.so.12", "/x/libcublas.so.12.4.5.8")
    assert known.version == Known(known.version.get(), "/x/libcublas.so.12.4.5.8")
