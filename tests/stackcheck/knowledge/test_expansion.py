from __future__ import annotations

from stackcheck.knowledge.compilation import compile_source
from stackcheck.knowledge.expansion import build_of_row
from stackcheck.knowledge.source import find_sources
from tests.stackcheck.knowledge.writing import HEAD, write_framework


def rows(folder, releases, head=HEAD):
    write_framework(folder, releases, head)
    (source,) = find_sources(base=folder)
    return [build_of_row(row) for row in compile_source(source)["builds"]]


def test_defaults_release_sets_and_build_override_in_this_order(tmp_path):
    head = HEAD + (
        "defaults: {glibc: 2.17, numpy: '<2', jit: nvrtc}\n"
        "sets: {new: {glibc: 2.28, nccl: 2.20.5}, newer: {nccl: 2.27.3}}\n"
    )
    builds = rows(
        tmp_path,
        "releases:\n"
        "- version: 1.0\n"
        "  numpy: '>=2'\n"
        "  builds:\n"
        "  - {build: cu128, channel: pypi, platform: linux-x86_64, cuda: 12.8, architectures: sm_90,"
        " use: [new, newer], jit: triton, evidence: [paper]}\n"
        "  - {build: cu126, channel: pypi, platform: linux-x86_64, cuda: 12.6, architectures: sm_90, evidence: [paper]}\n",
        head,
    )
    first, second = builds
    assert (str(first.glibc), str(first.nccl), first.numpy, first.jit) == (
        "2.28",
        "2.27.3",
        ">=2",
        ("triton",),
    )
    assert (str(second.glibc), second.nccl, second.numpy, second.jit) == (
        "2.17",
        None,
        ">=2",
        ("nvrtc",),
    )


def test_lists_of_channels_and_platforms_are_one_row_each(tmp_path):
    builds = rows(
        tmp_path,
        "releases:\n- version: 1.0\n  builds:\n"
        "  - {build: cpu, channel: [pypi, mirror], platform: [linux-x86_64, windows-x86_64], install: x, evidence: [paper]}\n",
    )
    assert [(build.channel, build.platform) for build in builds] == [
        ("pypi", "linux-x86_64"),
        ("pypi", "windows-x86_64"),
        ("mirror", "linux-x86_64"),
        ("mirror", "windows-x86_64"),
    ]


def test_mappings_are_merged_and_everything_else_replaced(tmp_path):
    (build,) = rows(
        tmp_path,
        "releases:\n- version: 1.0\n  companions: {vision: 0.1, audio: 0.2}\n  python_tags: cp39 cp310\n  builds:\n"
        "  - {build: cpu, channel: pypi, platform: linux-x86_64, companions: {audio: 0.3}, python_tags: cp311,"
        " evidence: [paper]}\n",
    )
    assert build.companions == {"vision": "0.1", "audio": "0.3"}
    assert build.python_tags == ("cp311",)


def test_unknown_overrides_what_is_known(tmp_path):
    (build,) = rows(
        tmp_path,
        "releases:\n- version: 1.0\n  cudnn: 8.9\n  builds:\n"
        "  - {build: cu128, channel: pypi, platform: linux-x86_64, cuda: 12.8, cudnn: unknown, architectures: unknown,"
        " evidence: [paper]}\n",
    )
    assert build.cudnn is None
    assert build.architectures is None


def test_install_commands_are_filled_in(tmp_path):
    gpu, cpu = rows(
        tmp_path,
        "releases:\n- version: 1.0\n  companions: {vision: 0.1}\n  builds:\n"
        "  - {build: cu128, channel: pypi, platform: linux-x86_64, cuda: 12.8, architectures: sm_90, evidence: [paper]}\n"
        "  - {build: cpu, channel: pypi, platform: linux-x86_64, evidence: [paper]}\n",
    )
    assert gpu.install == "pip install demo==1.0 vision==0.1"
    assert cpu.install == "pip install demo-cpu==1.0"


def test_glibc_is_linuxs_alone(tmp_path):
    linux, windows = rows(
        tmp_path,
        "releases:\n- version: 1.0\n  glibc: 2.28\n  builds:\n"
        "  - {build: cpu, channel: pypi, platform: [linux-x86_64, windows-x86_64], evidence: [paper]}\n",
    )
    assert str(linux.glibc) == "2.28"
    assert windows.glibc is None
