from __future__ import annotations

from stackcheck.model.version import Version
from stackcheck.rules.driver.dr09_recompiles import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    verdict,
    with_builds,
    with_gpu,
    with_limits,
)


def test_names_a_build_that_is_compiled_at_every_start():
    finding = found(
        RULE,
        with_limits(
            with_gpu(
                with_builds(healthy(), "torch==99.0+cu128", architectures=("sm_80", "compute_80")),
                compute_capability=Version("12.0"),
            ),
            cuda_cache_writable=0,
        ),
    )
    assert "has only PTX for" in finding.title
    assert finding.evidence


def test_is_silent_where_the_result_is_kept():
    assert (
        verdict(
            RULE,
            with_limits(
                with_gpu(
                    with_builds(
                        healthy(), "torch==99.0+cu128", architectures=("sm_80", "compute_80")
                    ),
                    compute_capability=Version("12.0"),
                ),
                cuda_cache_writable=1,
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_capability_is_not_known():
    assert (
        verdict(
            RULE,
            with_gpu(
                with_builds(healthy(), "torch==99.0+cu128", architectures=("sm_80", "compute_80")),
                compute_capability=UNKNOWN,
            ),
        )
        == "unknown"
    )


def test_a_build_with_machine_code_is_skipped():
    machine = with_builds(healthy(), "torch==99.0+cu128", architectures=("sm_90", "compute_90"))
    assert verdict(RULE, with_limits(machine, cuda_cache_writable=0)) == "skipped"
