from __future__ import annotations

import pytest

from stackcheck.diagnose.explain.lifetimes import Lifetimes
from stackcheck.diagnose.explain.paste import read_paste
from stackcheck.diagnose.explain.ranking import find_circumstances
from stackcheck.diagnose.explain.releases import Release, build_of, read_releases
from stackcheck.knowledge.knowledge import load


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("torch==2.9.0+cu128", Release("torch", "2.9.0", "cu128")),
        ("PyTorch version: 1.4.0", Release("pytorch", "1.4.0")),
        ("torch 2.2.1+cpu", Release("torch", "2.2.1", "cpu")),
        ("TensorFlow 2.3.0 on Windows", Release("tensorflow", "2.3.0")),
        ("jaxlib: 0.4.25", Release("jax", "0.4.25")),
        ("paddlepaddle-gpu 2.4.0", Release("paddlepaddle-gpu", "2.4.0")),
    ],
)
def test_releases_are_read_as_people_write_them(text, release):
    assert read_releases(text.lower()) == (release,)


@pytest.mark.parametrize(
    "text",
    [
        "torchvision 0.21.0",
        "mytorch 1.0.0",
        "torch is broken",
        "pytorch-cuda=12.1",
        "torch 2.4.0.dev20240509",
    ],
)
def test_other_versions_are_no_releases(text):
    assert read_releases(text) == ()


@pytest.mark.parametrize(
    ("release", "cudas", "build"),
    [
        (Release("torch", "2.9.0"), [], "cu128"),
        (Release("torch", "2.9.0"), [(12, 6)], "cu126"),
        (Release("torch", "2.9.0", "cu130"), [], "cu130"),
        (Release("torch", "1.4.0"), [], "cu101"),
        (Release("torch", "1.4"), [], "cu101"),
    ],
)
def test_the_build_is_the_one_that_pip_gives_unless_another_was_said(release, cudas, build):
    found = build_of(release, cudas, load())
    assert found
    assert found.build == build


@pytest.mark.parametrize(
    "release",
    [Release("torch", "2.9.0", "cpu"), Release("torch", "99.0"), Release("torch", "2.9.0", "cu92")],
)
def test_there_is_no_gpu_build_of_some(release):
    assert build_of(release, [], load()) is None


def test_nothing_is_known_without_the_knowledge():
    assert Lifetimes().builds_of([Release("torch", "2.9.0")], []) == ()


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("torch 2.9.0 on a Tesla P100", "gpu_older"),
        ("torch 2.5.1 on an RTX 5090", "gpu_newer"),
        ("torch 1.4.0, Driver Version: 410.78", "driver_below_major"),
        ("torch 2.9.0, Driver Version: 580.65.06", "driver_suffices"),
    ],
)
def test_what_pip_gives_is_compared_with_the_machine(text, tag, catalogue, lifetimes):
    assert tag in find_circumstances(read_paste(text), catalogue, lifetimes)


def test_a_gpu_that_the_build_has_code_for_is_neither_newer_nor_older(catalogue, lifetimes):
    found = find_circumstances(read_paste("torch 2.9.0 on an RTX 3090"), catalogue, lifetimes)
    assert not found & {"gpu_newer", "gpu_older"}
