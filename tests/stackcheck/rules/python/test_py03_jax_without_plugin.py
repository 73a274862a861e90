from __future__ import annotations

from stackcheck.rules.python.py03_jax_without_plugin import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_distributions,
)


def test_misses_the_plugin():
    finding = found(RULE, with_distributions(healthy(), "jax==0.7.1", "jaxlib==0.7.1"))
    assert "jaxlib 0.7.1 is installed without a CUDA plugin" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_installed():
    assert (
        verdict(RULE, with_distributions(healthy(), "jaxlib==0.7.1", "jax-cuda12-plugin==0.7.1"))
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"
