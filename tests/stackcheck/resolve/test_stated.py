from __future__ import annotations

import pytest

from stackcheck.errors import InputError
from stackcheck.knowledge.gpu_names import read_gpu_name
from stackcheck.knowledge.images import read_image
from stackcheck.knowledge.knowledge import load
from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.model.version import Version
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.systems import read_channel, read_system

KNOWLEDGE = load()


@pytest.mark.parametrize(
    ("text", "capability"),
    [
        ("NVIDIA H100 80GB HBM3", "9.0"),
        ("GeForce RTX 4090", "8.9"),
        ("rtx4090", "8.9"),
        ("NVIDIA GeForce RTX 3050 Laptop GPU", "8.6"),
        ("GTX 1080 Ti", "6.1"),
        ("Tesla V100-SXM2-16GB", "7.0"),
        ("A100 with MIG", "8.0"),
        ("NVIDIA A100-SXM4-80GB", "8.0"),
        ("Quadro P1000", "6.1"),
        ("Jetson AGX Orin", "8.7"),
        ("NVIDIA GB10 (DGX Spark)", "12.1"),
        ("Volta (sm_70)", "7.0"),
        ("compute capability 3.0 or newer", "3.0"),
        ("Turing (7.5)", "7.5"),
        ("Volta", "7.0"),
        ("Tesla T4", "7.5"),
        ("B200", "10.0"),
    ],
)
def test_reads_gpu_names_as_people_and_nvml_write_them(text, capability):
    assert read_gpu_name(text, KNOWLEDGE).capability == Version(capability)


@pytest.mark.parametrize("text", ["data-centre GPU", "any supported GPU", "GeForce card"])
def test_a_class_of_gpus_states_no_capability(text):
    assert read_gpu_name(text, KNOWLEDGE).capability is None


@pytest.mark.parametrize("text", ["GeForce RTX 3909", "RTX 4091", "H110"])
def test_refuses_a_product_that_nobody_makes_with_the_nearest_names(text):
    with pytest.raises(InputError, match="nearest"):
        read_gpu_name(text, KNOWLEDGE)


def test_an_unknown_product_with_a_capability_is_taken():
    assert read_gpu_name("GeForce RTX 9999", KNOWLEDGE, has_capability=True).capability is None
    machine = state_machine(
        Statement(gpu=["GeForce RTX 9999"], compute_capability=["13.0"]), KNOWLEDGE
    )
    (gpu,) = machine.gpus.get()
    assert gpu.compute_capability.get() == Version("13.0")


@pytest.mark.parametrize(
    ("text", "platform", "glibc"),
    [
        ("Ubuntu 22.04", "linux", "2.35"),
        ("Windows 11 + WSL2", "wsl2", None),
        ("CentOS 7", "linux", "2.17"),
        ("Windows 10 Pro", "windows", None),
        ("L4T R35.4.1 (JetPack 5.1.2)", "jetson", "2.31"),
        ("Linux", "linux", None),
        ("macOS 14", "macos", None),
    ],
)
def test_reads_operating_systems(text, platform, glibc):
    system = read_system(text, KNOWLEDGE)
    assert system.platform == platform
    assert system.glibc == (Version(glibc) if glibc else None)


@pytest.mark.parametrize(
    ("text", "cuda", "compat"),
    [
        ("nvidia/cuda:12.8.0-runtime-ubuntu22.04", "12.8", None),
        ("docker, CUDA 12.8.0 image (declares cuda>=12.8)", "12.8", None),
        ("docker, CUDA 13.0 image + cuda-compat-13-0", "13.0", "13.0"),
        ("kubernetes", None, None),
        ("pytorch/pytorch:2.7.0-cuda12.6-cudnn9-runtime", "12.6", None),
        ("docker, cu118 image", "11.8", None),
        ("podman, container with CUDA 13", "13.0", None),
        ("docker, CUDA-12-4 image", "12.4", None),
    ],
)
def test_reads_container_images(text, cuda, compat):
    image = read_image(text)
    assert image.cuda == (Version(cuda) if cuda else None)
    assert image.compat == (Version(compat) if compat else None)


def test_reads_channels():
    channels = frozenset({"pypi", "pytorch", "conda-forge", "conda:pytorch", "docker"})
    assert read_channel("pip", channels) == {"pypi", "pytorch"}
    assert read_channel("pip (default index)", channels) == {"pypi"}
    assert read_channel("conda (pytorch)", channels) == {"conda-forge", "conda:pytorch"}
    assert read_channel("uv, CUDA wheel index", channels) == {"pytorch"}
    assert read_channel("source", channels) is None


def test_what_is_not_stated_is_unknown_and_marked_so():
    machine = state_machine(Statement(driver="580.95.05"), KNOWLEDGE)
    assert isinstance(machine.driver.release, Known)
    assert str(machine.driver.release.value) == "580.95.05"
    assert isinstance(machine.gpus, Unknown)
    assert machine.gpus.unstated


def test_windows_has_no_glibc():
    machine = state_machine(Statement(os="Windows 11"), KNOWLEDGE)
    assert isinstance(machine.host.glibc, Absent)


def test_all_faults_of_a_statement_come_at_once():
    statement = Statement(
        gpu=["GeForce RTX 3909"],
        driver="new",
        driver_cuda="x",
        arch="sparc",
        compute_capability=["8"],
    )
    with pytest.raises(InputError) as error:
        state_machine(statement, KNOWLEDGE)
    assert len(error.value.faults) >= 4


def test_no_gpu_contradicts_a_gpu():
    with pytest.raises(InputError, match="contradicts"):
        state_machine(Statement(gpu=["A100"], no_gpu=True), KNOWLEDGE)


def test_flags_override_single_facts_of_a_probed_machine():
    base = state_machine(Statement(gpu=["A100"], driver="535.104.05", os="Ubuntu 22.04"), KNOWLEDGE)
    changed = state_machine(Statement(driver="580.95.05"), KNOWLEDGE, base)
    assert changed.gpus == base.gpus
    assert changed.host == base.host
    assert str(changed.driver.release.get()) == "580.95.05"
