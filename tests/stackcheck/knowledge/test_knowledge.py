from __future__ import annotations

import datetime as dt

import pytest

from stackcheck.knowledge.knowledge import load
from stackcheck.model.version import Version


@pytest.fixture(scope="module")
def knowledge():
    return load()


def find(knowledge, version, build, channel="pypi", platform="linux-x86_64"):
    found = [
        row
        for row in knowledge.builds("pytorch")
        if (str(row.version), row.build, row.channel, row.platform)
        == (version, build, channel, platform)
    ]
    assert len(found) == 1
    return found[0]


def code(build):
    return " ".join(map(str, build.architectures))


def test_has_every_release_of_pytorch_newest_first(knowledge):
    versions = [row.version for row in knowledge.builds("pytorch")]
    assert versions == sorted(versions, reverse=True)
    assert versions[0] >= Version("2.15.0")
    assert versions[-1] == Version("0.2.0")
    assert knowledge.builds("no-such-framework") == ()


@pytest.mark.parametrize(
    ("version", "build", "channel", "platform", "expected"),
    [
        ("2.11.0", "cu130", "pypi", "linux-x86_64", "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"),
        ("2.11.0", "cu130", "pypi", "linux-aarch64", "sm_80 sm_90 sm_100 sm_110 sm_120"),
        ("2.9.1", "cu128", "pypi", "linux-x86_64", "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"),
        ("1.8.0", "cu111", "pytorch", "linux-x86_64", "sm_50 sm_70 sm_80 sm_86"),
        ("1.8.1", "cu102", "pypi", "linux-x86_64", "sm_37 sm_50 sm_60 sm_70"),
        (
            "2.5.1",
            "cu124",
            "conda:pytorch",
            "linux-x86_64",
            "sm_50 sm_60 sm_61 sm_70 sm_75 sm_80 sm_86 sm_90",
        ),
    ],
)
def test_knows_the_code_in_a_build(knowledge, version, build, channel, platform, expected):
    assert code(find(knowledge, version, build, channel, platform)) == expected


def test_cpu_builds_have_no_gpu_code_and_no_cuda(knowledge):
    rows = [row for row in knowledge.builds("pytorch") if row.build == "cpu"]
    assert rows
    assert all(row.architectures == () and row.cuda is None and not row.is_gpu for row in rows)


def test_every_row_has_evidence_and_a_command(knowledge):
    for framework in knowledge.frameworks:
        for row in knowledge.builds(framework):
            assert row.evidence, row.key
            assert "{" not in row.install, row.key


def test_the_wheel_index_is_addressed_as_it_was_in_its_day(knowledge):
    page = "https://download.pytorch.org/whl/torch_stable.html"
    assert find(knowledge, "1.7.1", "cu110", "pytorch").install == (
        f"pip install torch==1.7.1+cu110 torchvision==0.8.2+cu110 torchaudio==0.7.2 -f {page}"
    )
    assert find(knowledge, "1.7.1", "cu102", "pytorch").install == (
        f"pip install torch==1.7.1 torchvision==0.8.2 torchaudio==0.7.2 -f {page}"
    )
    assert find(knowledge, "2.7.1", "cu118", "pytorch").install == (
        "pip install torch==2.7.1 torchvision==0.22.1 torchaudio==2.7.1"
        " --index-url https://download.pytorch.org/whl/cu118"
    )


@pytest.mark.parametrize(
    ("text", "framework", "distribution", "build"),
    [
        ("torch", "pytorch", "torch", ""),
        ("PyTorch", "pytorch", "torch", ""),
        ("pytorch_cpu", "pytorch", "pytorch-cpu", "cpu"),
    ],
)
def test_takes_framework_and_distribution_names(knowledge, text, framework, distribution, build):
    name = knowledge.name(text)
    assert (name.framework, name.distribution, name.build) == (framework, distribution, build)


def test_does_not_guess_names(knowledge):
    assert knowledge.name("pytorhc") is None
    assert "torch" in knowledge.known_names()


@pytest.mark.parametrize(
    ("cuda", "platform", "floor"),
    [
        ("13.2", "linux", "580.65.06"),
        ("12.8", "linux", "525.60.13"),
        ("12", "linux", "525.60.13"),
        ("12.8", "windows", "528.33"),
        ("12.8", "wsl2", "528.33"),
        ("11.8", "linux", "450.80.02"),
        ("11.0", "linux", "450.51.05"),
        ("10.2", "linux", "440.33"),
        ("10.2", "windows", "441.22"),
        ("9.2", "linux", "396.26"),
        ("9.2.148", "linux", "396.26"),
        ("8.0", "linux", "367.48"),
    ],
)
def test_driver_floor_is_that_of_the_major_from_cuda_11_on(knowledge, cuda, platform, floor):
    assert str(knowledge.driver_floor(Version(cuda), platform)) == floor


@pytest.mark.parametrize(
    ("cuda", "platform"), [("12.6", "jetson"), ("99.1", "linux"), ("6.5", "linux")]
)
def test_driver_floor_is_unknown_where_no_table_has_it(knowledge, cuda, platform):
    assert knowledge.driver_floor(Version(cuda), platform) is None


@pytest.mark.parametrize(
    ("driver", "platform", "cuda"),
    [
        ("580.95.05", "linux", "13.0"),
        ("565.57.01", "linux", "12.7"),
        ("470.256.02", "linux", "11.4"),
        ("572.61", "windows", "12.8"),
        ("566.36", "wsl2", "12.7"),
        ("540.4.0", "linux", None),
        ("540.4.0", "jetson", None),
        ("999.1", "linux", None),
        ("999.1", "windows", None),
    ],
)
def test_cuda_of_a_driver_is_its_branchs(knowledge, driver, platform, cuda):
    found = knowledge.cuda_of_driver(Version(driver), platform)
    assert (str(found) if found else None) == cuda


def test_knows_the_life_of_an_architecture(knowledge):
    pascal = knowledge.architecture(Version("6.1"))
    assert (pascal.name, str(pascal.last_cuda), pascal.last_driver) == ("Pascal", "12.9", 580)
    hopper = knowledge.architecture(Version("9.0"))
    assert (hopper.last_cuda, hopper.last_driver) == (None, None)
    assert knowledge.architecture(Version("7.7")) is None


def test_knows_what_the_pinned_libraries_hold(knowledge):
    build = find(knowledge, "2.11.0", "cu130")
    libraries = {row.library: row for row in knowledge.libraries_of(build)}
    assert str(libraries["cublas"].version) == "13.1.0.3"
    assert str(libraries["nccl"].version) == "2.28.9"
    assert not any(item.major < 7 for item in libraries["cudnn"].architectures)


@pytest.mark.parametrize(
    ("version", "build", "channel", "expected"),
    [
        ("2.7.1", "cu118", "pytorch", "nvidia-cudnn-cu11 9.1.0.70"),
        ("2.5.1", "cu121", "conda:pytorch", "nvidia-cudnn-cu12 9.1.0.70"),
        ("1.12.1", "cu113", "pytorch", ""),
    ],
)
def test_a_cudnn_inside_a_build_is_that_of_the_wheel(knowledge, version, build, channel, expected):
    found = knowledge.libraries_of(find(knowledge, version, build, channel))
    assert " ".join(f"{row.distribution} {row.version}" for row in found) == expected


@pytest.mark.parametrize(
    ("cudnn", "lowest", "highest"),
    [
        ("7.6.5.32", "3.0", "7.5"),
        ("8.5.0.96", "3.5", "8.6"),
        ("9.1.0.70", "5.0", "9.0"),
        ("9.17.1.4", "7.5", "12.1"),
    ],
)
def test_knows_which_gpus_a_cudnn_supports(knowledge, cudnn, lowest, highest):
    row = knowledge.cudnn_of(Version(cudnn))
    assert (str(row.capability_min), str(row.capability_max)) == (lowest, highest)


def test_libraries_are_newest_first_and_typed(knowledge):
    rows = knowledge.libraries["nvidia-cudnn-cu12"]
    versions = [row.version for row in rows]
    assert versions == sorted(versions, reverse=True)
    assert versions[0] >= Version("9.28.0.42")
    first = {row.version: row for row in reversed(rows)}
    assert "linux-x86_64" in first[Version("9.27.0.42")].platforms


def test_tells_platforms_of_a_library_apart_where_they_differ(knowledge):
    rows = [row for row in knowledge.libraries["nvidia-cublas"] if str(row.version) == "13.1.0.3"]
    code = {row.platforms[0]: set(map(str, row.architectures)) for row in rows}
    assert "sm_110" in code["linux-aarch64"]
    assert "sm_110" not in code["linux-x86_64"]


@pytest.mark.parametrize(
    ("name", "capability", "kind"),
    [
        ("NVIDIA GeForce GTX 1080 Ti", "6.1", "geforce"),
        ("NVIDIA GeForce RTX 5070 Ti Laptop GPU", "12.0", "geforce"),
        ("NVIDIA GeForce RTX 3050 A Laptop GPU", "8.9", "geforce"),
        ("NVIDIA GeForce GTX 1650", "7.5", "geforce"),
        ("NVIDIA H100 80GB HBM3", "9.0", "datacenter"),
        ("NVIDIA GB10", "12.1", "grace"),
        ("NVIDIA Tesla K80", "3.7", "datacenter"),
        ("Jetson AGX Orin", "8.7", "jetson"),
        ("NVIDIA Quadro P1000", "6.1", "quadro"),
        ("NVIDIA RTX A6000", "8.6", "rtx-pro"),
    ],
)
def test_knows_products(knowledge, name, capability, kind):
    found = next(row for row in knowledge.gpus if row.name == name)
    assert (str(found.capability), found.kind) == (capability, kind)


def test_knows_where_compatibility_packages_may_sit(knowledge):
    package = next(row for row in knowledge.forward_compat if str(row.cuda) == "12.8")
    assert package.branches["535"] == "compatible"
    assert package.branches["570"] == "not-needed"
    assert package.branches["580"] == "incompatible"


def test_driver_versions_print_as_nvidia_wrote_them(knowledge):
    assert str(knowledge.floors[0].linux) == "580.65.06"


def test_tells_the_day_up_to_which_it_holds(knowledge):
    assert knowledge.as_of >= dt.date(2026, 11, 20)
