from __future__ import annotations

import pytest

from stackcheck.knowledge.knowledge import load
from stackcheck.model.version import Version
from stackcheck.rules.python.py14_satellites import RULE
from stackcheck.rules.rule import Situation
from tests.stackcheck.sketch import healthy


def judge(build: str, **packages: str):
    knowledge = load()
    row = next(
        row
        for row in knowledge.builds("pytorch")
        if f"{row.version}+{row.build}" == build and row.channel == "pytorch"
    )
    versions = {name.replace("_", "-"): Version(text) for name, text in packages.items()}
    return RULE.judge(row, Situation(healthy(), knowledge, packages=versions))


@pytest.mark.parametrize(
    "packages",
    [
        {"flash_attn": "2.8.3+cu12torch2.8cxx11abiTRUE"},
        {"torch_scatter": "2.1.2+pt28cu128"},
        {"torch_cluster": "1.6.3+pt210cu130"},
        {"mamba_ssm": "2.2.5+cu13torch2.9cxx11abiTRUE"},
    ],
)
def test_finds_a_wheel_that_was_compiled_for_another_torch_or_cuda(packages):
    finding = judge("2.9.0+cu128", **packages)
    assert finding is not None
    assert "was compiled for torch 2." in finding.title


@pytest.mark.parametrize(
    "packages",
    [
        {"flash_attn": "2.8.3+cu12torch2.9cxx11abiTRUE"},
        {"torch_scatter": "2.1.2+pt29cu126"},
        {"torch_scatter": "2.1.2"},
        {"demo": "1.0+local.4"},
    ],
)
def test_is_silent_beside_the_torch_that_it_was_compiled_for(packages):
    assert judge("2.9.0+cu128", **packages) is None
