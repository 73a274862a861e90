from __future__ import annotations

from stackcheck.model.version import Version
from stackcheck.rules.toolkit.tk06_xla_tools import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_builds,
    with_distributions,
)


def test_misses_the_compiler_package():
    finding = found(RULE, with_builds(healthy(), "jax==0.0.1+cuda12", cuda=Version("12.8")))
    assert "neither ptxas nor libdevice is here" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_installed():
    assert (
        verdict(
            RULE,
            with_distributions(
                with_builds(healthy(), "jax==0.0.1+cuda12", cuda=Version("12.8")),
                "nvidia-cuda-nvcc-cu12==12.8.93",
            ),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"
