from __future__ import annotations

import io
import random
import re
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackcheck.binary.blob import HttpBlob, MemoryBlob
from stackcheck.binary.wheel import MalformedWheel, Wheel, read_wheel_name
from tests.stackcheck.binary.server import serve


def build(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: numpy<2\nRequires-Dist: x==1\n\nText"
WHEEL = build({"demo/__init__.py": b"x = 1\n" * 50, "demo-1.0.dist-info/METADATA": METADATA})


def test_reads_metadata_and_single_files():
    wheel = Wheel(MemoryBlob(WHEEL))
    assert wheel.metadata().get_all("Requires-Dist") == ["numpy<2", "x==1"]
    assert wheel.read("demo/__init__.py") == b"x = 1\n" * 50
    assert wheel.find("__init__.py") == "demo/__init__.py"
    assert wheel.find("nothing") is None


def test_reads_one_file_of_a_large_remote_wheel_without_the_rest():
    big = build(
        {"big.bin": random.Random(1).randbytes(3_000_000), "a/version.py": b"cuda = '12.8'\n"}
    )
    with serve({"/w.whl": ("application/zip", big)}) as url:
        blob = HttpBlob(f"{url}/w.whl")
        assert Wheel(blob).read("a/version.py") == b"cuda = '12.8'\n"
        assert blob.fetched_bytes < len(big) / 2


def test_names_the_file_that_a_wheel_lacks():
    with pytest.raises(MalformedWheel, match=r"no torch/version\.py"):
        Wheel(MemoryBlob(WHEEL)).read("torch/version.py")


@settings(deadline=None)
@given(st.data())
def test_broken_wheels_end_in_its_own_error(data):
    content = bytearray(WHEEL[: data.draw(st.integers(0, len(WHEEL)))])
    for _ in range(data.draw(st.integers(0, 5))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(MalformedWheel):
        wheel = Wheel(MemoryBlob(bytes(content)))
        for name in wheel.names():
            wheel.read(name)
        wheel.metadata()


@pytest.mark.parametrize(
    ("filename", "tags", "platform", "glibc"),
    [
        ("torch-2.9.1-cp312-cp312-manylinux_2_28_x86_64.whl", ("cp312",), "linux-x86_64", "2.28"),
        (
            "torch-2.9.1-cp313-cp313t-manylinux_2_28_aarch64.whl",
            ("cp313t",),
            "linux-aarch64",
            "2.28",
        ),
        ("torch-1.7.1-cp27-cp27mu-manylinux1_x86_64.whl", ("cp27",), "linux-x86_64", "2.5"),
        ("torch-1.4.0-cp38-cp38-manylinux2014_aarch64.whl", ("cp38",), "linux-aarch64", "2.17"),
        ("torch-2.9.1-cp312-cp312-win_amd64.whl", ("cp312",), "windows-x86_64", None),
        ("torch-2.9.1-cp312-none-macosx_11_0_arm64.whl", ("cp312",), "macos-arm64", None),
        (
            "nvidia_cudnn_cu12-9.6.0.74-py3-none-manylinux_2_27_x86_64.whl",
            ("py3",),
            "linux-x86_64",
            "2.27",
        ),
    ],
)
def test_reads_tags_from_the_file_name(filename, tags, platform, glibc):
    name = read_wheel_name(filename)
    assert name.python_tags == tags
    assert name.platform == platform
    assert (str(name.glibc) if name.glibc else None) == glibc


def test_refuses_a_file_name_that_is_no_wheels():
    with pytest.raises(MalformedWheel):
        read_wheel_name("torch-2.9.1.tar.gz")


@pytest.mark.parametrize("before", [0, 3, 4 << 20, (4 << 20) - 3, 9_000_000])
def test_reads_a_file_from_a_marker_on(before):
    wheel = Wheel(MemoryBlob(build({"big.bin": bytes(before) + b"MARKER" + b"x" * 5000})))
    assert wheel.read_from("big.bin", re.compile(b"MARK.R"), 10) == b"MARKERxxxx"
    assert len(wheel.read_from("big.bin", re.compile(b"MARK.R"), 1 << 20)) == 5006
    assert wheel.read_from("big.bin", re.compile(b"NOWHERE"), 10) == b""


def test_what_comes_after_the_part_that_is_read_is_not_fetched():
    data = random.Random(2).randbytes(20_000_000)
    big = build({"big.bin": b"MARKER" + data})
    with serve({"/x.whl": ("application/zip", big)}) as url:
        blob = HttpBlob(f"{url}/x.whl")
        assert Wheel(blob).read_from("big.bin", re.compile(b"MARKER"), 100)[:6] == b"MARKER"
        assert blob.fetched_bytes < 12_000_000
