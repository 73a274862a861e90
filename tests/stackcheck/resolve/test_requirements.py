from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.errors import InputError
from stackcheck.knowledge.knowledge import load
from stackcheck.resolve.requirements import (
    merge_requirements,
    parse_requirement,
    parse_requirements,
)

KNOWLEDGE = load()


@pytest.mark.parametrize(
    ("text", "name", "build", "specifier"),
    [
        ("pytorch", "pytorch", "", ""),
        ("torch", "pytorch", "", ""),
        ("PyTorch>=2.4", "pytorch", "", ">=2.4"),
        ("pytorch+cu126==2.7.*", "pytorch", "cu126", "==2.7.*"),
        ("torch==2.7.0+cu126", "pytorch", "cu126", "==2.7.0"),
        ("pytorch+cpu", "pytorch", "cpu", ""),
        ("pytorch >= 2.4, < 2.8", "pytorch", "", ">=2.4,<2.8"),
    ],
)
def test_reads_frameworks_as_people_and_pip_write_them(text, name, build, specifier):
    requirement = parse_requirement(text, KNOWLEDGE)
    assert requirement.is_framework
    assert (requirement.name, requirement.build, requirement.specifier) == (name, build, specifier)


def test_takes_another_distribution_as_installed_beside():
    requirement = parse_requirement("numpy==1.24.*", KNOWLEDGE)
    assert not requirement.is_framework
    assert (requirement.name, requirement.specifier) == ("numpy", "==1.24.*")


@pytest.mark.parametrize("text", ["pytroch", "pytroch==2.9.0", "pytorh", "pytorchh", "toch"])
def test_refuses_a_name_one_letter_off_and_names_the_nearest(text):
    with pytest.raises(InputError) as error:
        parse_requirement(text, KNOWLEDGE)
    assert "did you mean" in error.value.faults[0]
    assert error.value.status == 2


@pytest.mark.parametrize(
    "text", ["pytorch==", "==2.0", "pytorch>>2", "", "pytorch+rocket", "pytorch=2.0", "a b"]
)
def test_refuses_a_malformed_spec_in_one_line(text):
    with pytest.raises(InputError) as error:
        parse_requirement(text, KNOWLEDGE)
    assert len(error.value.faults) == 1
    assert "\n" not in error.value.faults[0]


def test_reports_all_faults_at_once():
    with pytest.raises(InputError) as error:
        parse_requirements(["pytorch==", "numpy", "pytroch"], KNOWLEDGE)
    assert len(error.value.faults) == 2


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_as_input(text):
    try:
        parse_requirement(text, KNOWLEDGE)
    except InputError as error:
        assert error.faults


def test_joins_requirements_on_one_framework():
    first, second = parse_requirements(["pytorch>=2.4", "torch+cu126<2.8"], KNOWLEDGE)
    (merged,) = merge_requirements([first, second])
    assert merged.specifier == ">=2.4,<2.8"
    assert merged.build == "cu126"


def test_refuses_two_builds_of_one_framework():
    with pytest.raises(InputError, match="two builds"):
        merge_requirements(parse_requirements(["pytorch+cu126", "pytorch+cu130"], KNOWLEDGE))
