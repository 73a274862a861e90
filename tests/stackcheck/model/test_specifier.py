"""`packaging.specifiers` is the oracle: what it says of a specifier and a version, ours says too."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging import specifiers as oracle

from stackcheck.model.specifier import InvalidSpecifier, admits, clauses_of
from stackcheck.model.version import parse_version

numbers = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(
    lambda parts: ".".join(map(str, parts))
)
endings = st.sampled_from(
    ["", "", "", "a1", "rc2", ".dev3", ".post1", "rc1.dev2", ".post2.dev1", "+cu126", "+cpu"]
)
epochs = st.sampled_from(["", "", "", "1!"])
versions = st.builds("".join, st.tuples(epochs, numbers, endings))
operators = st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~="])
stars = st.sampled_from(["", "", ".*"])
clauses = st.builds("".join, st.tuples(operators, versions, stars))
sets = st.lists(clauses, max_size=3).map(",".join)


@settings(max_examples=3000)
@given(sets, versions)
def test_admits_what_packaging_admits(text: str, number: str) -> None:
    version = parse_version(number)
    try:
        expected = oracle.SpecifierSet(text).contains(version, prereleases=True)
    except oracle.InvalidSpecifier:
        with pytest.raises(InvalidSpecifier):
            clauses_of(text)
        return
    assert admits(text, version) is expected


@pytest.mark.parametrize(
    "text", ["2.1", "=>2", "==", "~=2", ">=2.*", ">2+cu126", "==two", "nonsense"]
)
def test_refuses_what_is_no_specifier(text: str) -> None:
    with pytest.raises(InvalidSpecifier):
        clauses_of(text)


@pytest.mark.parametrize(
    ("text", "number", "within"),
    [
        ("", "2.7.0", True),
        ("==2.7.*", "2.7.1+cu126", True),
        ("==2.7.1", "2.7.1+cu126", True),
        ("==2.7.1+cu126", "2.7.1+cu128", False),
        (">=2.4,<2.6", "2.6.0rc1", False),
        (">=2.4, <2.6", "2.5.1", True),
        ("~=9.1.0", "9.2", False),
        ("===2.7.1", "2.7.1+cu126", False),
        ("!=9.3.*", "9.3.0.75", False),
    ],
)
def test_reads_the_specifiers_of_the_field(text: str, number: str, within: bool) -> None:
    assert admits(text, parse_version(number)) is within
