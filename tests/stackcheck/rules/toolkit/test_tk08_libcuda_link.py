from __future__ import annotations

from stackcheck.rules.toolkit.tk08_libcuda_link import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    verdict,
    with_distributions,
    with_limits,
    with_variables,
)


def test_finds_a_libcuda_that_cannot_be_linked():
    finding = found(
        RULE,
        with_limits(
            with_distributions(healthy(), "triton==3.5.0"), libcuda_cached=0, libcuda_link=0
        ),
    )
    assert "the linker would not find it" in finding.title
    assert finding.evidence


def test_is_silent_where_the_cache_lists_it():
    assert (
        verdict(
            RULE,
            with_limits(
                with_distributions(healthy(), "triton==3.5.0"), libcuda_cached=1, libcuda_link=0
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_cache_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_limits(
                with_distributions(healthy(), "triton==3.5.0"),
                libcuda_cached=UNKNOWN,
                libcuda_link=0,
            ),
        )
        == "unknown"
    )


def test_a_libcuda_on_the_library_path_is_found_by_triton_too():
    machine = with_limits(
        with_distributions(healthy(), "triton==3.5.0"), libcuda_cached=0, libcuda_link=0
    )
    directory = "/usr/lib/x86_64-linux-gnu"
    assert verdict(RULE, with_variables(machine, LD_LIBRARY_PATH=f"/opt:{directory}")) == "pass"
