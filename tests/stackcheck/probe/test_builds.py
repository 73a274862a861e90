from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackcheck.model.environment import Distribution, InstalledBuild
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.probe.builds import find_builds
from stackcheck.probe.host import HostReader
from tests.hardware.elf_file import make_elf

BUILD_INFO = (
    "build_info = collections.OrderedDict([('cuda_compute_capabilities', ['sm_60', 'sm_70', 'compute_90']),"
    " ('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True)])"
)


class Site:
    """A site-packages directory under construction."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.distributions: dict[str, Distribution] = {}

    def add(self, name: str, version: str) -> None:
        path = f"{self.root}/{name.replace('-', '_')}-{version}.dist-info"
        self.distributions[name] = Distribution(name, version, path)

    def put(self, path: str, content: str | bytes) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())

    def build(self) -> InstalledBuild:
        (found,) = find_builds(HostReader(), self.distributions)
        return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def said(fact: Fact[Any]) -> str:
    return str(fact.value) if isinstance(fact, Known) else fact.state


@pytest.mark.parametrize(
    ("version", "line", "build", "cuda"),
    [
        ("2.9.0+cu128", "cuda: Optional[str] = '12.8'", "cu128", "12.8"),
        ("2.9.0", "cuda: Optional[str] = '12.8'", "cu128", "12.8"),
        ("2.9.0+cpu", "cuda: Optional[str] = None", "cpu", "absent"),
        ("2.9.0", "cuda = None", "cpu", "absent"),
        ("1.4.0", "cuda = '10.1'", "cu101", "10.1"),
        ("2.9.0+cu128", "", "cu128", "12.8"),
        ("2.9.0", "", "unknown", "unknown"),
    ],
)
def test_torch_is_told_by_its_version_text_and_label(
    site: Site, version: str, line: str, build: str, cuda: str
) -> None:
    site.add("torch", version)
    site.put("torch/version.py", f"__version__ = '{version}'\n{line}\n")
    found = site.build()
    assert (found.framework, said(found.build), said(found.cuda)) == ("pytorch", build, cuda)


def test_torch_without_libtorch_cuda_is_a_cpu_build(site: Site) -> None:
    site.add("torch", "2.9.0")
    site.put("torch/lib/libtorch_cpu.so", make_elf())
    assert said(site.build().build) == "cpu"
    site.put("torch/lib/libtorch_cuda.so", make_elf())
    assert said(site.build().build) == "unknown"


def test_reads_what_the_libraries_need(site: Site) -> None:
    site.add("torch", "2.4.1+cu121")
    site.put(
        "torch/lib/libtorch_cuda.so",
        make_elf(needed=["libcudnn.so.9", "libnccl.so.2", "libm.so.6"]),
    )
    assert site.build().needed == ("libcudnn.so.9", "libnccl.so.2")


def test_a_vendors_torch_names_its_architectures_in_a_library(site: Site) -> None:
    site.add("torch", "2.5.0a0+872d972e41.nv24.8")
    site.put("torch/lib/libtorch_python.so", b"rubbish\0sm_72 sm_87\0rubbish")
    assert site.build().architectures.get() == ("sm_72", "sm_87")


def test_tensorflow_is_told_by_build_info(site: Site) -> None:
    site.add("tensorflow", "2.18.0")
    site.put("tensorflow/python/platform/build_info.py", BUILD_INFO)
    found = site.build()
    assert (said(found.build), said(found.cuda), said(found.cudnn)) == ("cu125", "12.5.1", "9")
    assert found.architectures.get() == ("sm_60", "sm_70", "compute_90")
    site.add("nvidia-cudnn-cu12", "9.3.0.75")
    assert said(site.build().build) == "cu125-pip"


def test_a_cpu_build_of_tensorflow_says_so(site: Site) -> None:
    site.add("tensorflow", "2.18.0")
    site.put("tensorflow/python/platform/build_info.py", "OrderedDict([('is_cuda_build', False)])")
    found = site.build()
    assert said(found.build) == "cpu"
    assert isinstance(found.cuda, Absent)


@pytest.mark.parametrize(
    ("beside", "jaxlib", "build"),
    [
        ({}, "0.8.1", "cpu"),
        ({"jax-cuda12-plugin": "0.8.1", "nvidia-cudnn-cu12": "9.10.2.21"}, "0.8.1", "cuda12"),
        ({"jax-cuda13-plugin": "0.8.1"}, "0.8.1", "cuda13-local"),
        ({}, "0.4.7+cuda11.cudnn86", "cuda11-cudnn86"),
        ({"nvidia-cudnn-cu12": "8.9.7.29"}, "0.4.20+cuda12.cudnn89", "cuda12-pip"),
        ({}, "0.1.57+cuda102", "cuda102"),
    ],
)
def test_jax_is_told_by_its_plugin_or_label(
    site: Site, beside: dict[str, str], jaxlib: str, build: str
) -> None:
    site.add("jax", jaxlib.partition("+")[0])
    site.add("jaxlib", jaxlib)
    for name, version in beside.items():
        site.add(name, version)
    found = site.build()
    assert (found.framework, found.distribution, said(found.build)) == ("jax", "jax", build)


@pytest.mark.parametrize(
    ("name", "build", "cuda"),
    [
        ("cupy-cuda12x", "cuda12x", "unknown"),
        ("cupy-cuda118", "cuda118", "11.8"),
        ("cupy-cuda92", "cuda92", "9.2"),
        ("mxnet-cu112", "cu112", "11.2"),
        ("mxnet", "cpu", "absent"),
        ("paddlepaddle", "cpu", "absent"),
    ],
)
def test_other_frameworks_are_told_by_their_names(
    site: Site, name: str, build: str, cuda: str
) -> None:
    site.add(name, "1.9.0")
    found = site.build()
    assert (said(found.build), said(found.cuda)) == (build, cuda)


def test_paddle_names_its_cuda_in_a_text(site: Site) -> None:
    site.add("paddlepaddle-gpu", "3.2.0")
    site.put("paddle/version/__init__.py", "cuda_version     = '12.6'\ncudnn_version = '9.5.1'\n")
    found = site.build()
    assert (said(found.build), said(found.cuda), said(found.cudnn)) == ("cu126", "12.6", "9.5.1")


def test_a_version_that_is_none_is_passed_over(site: Site) -> None:
    site.add("torch", "two")
    assert find_builds(HostReader(), site.distributions) == ()


def test_an_unreadable_text_leaves_the_build_unknown(site: Site) -> None:
    site.add("tensorflow", "2.18.0")
    site.put("tensorflow/python/platform/build_info.py", "rubbish")
    found = site.build()
    assert isinstance(found.build, Unknown)
    assert isinstance(found.cuda, Unknown)
