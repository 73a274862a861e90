from __future__ import annotations

from stackcheck.rules.python.py04_jax_versions import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_distributions


def test_names_both_versions():
    finding = found(
        RULE, with_distributions(healthy(), "jaxlib==0.9.0.1", "jax-cuda12-plugin==0.9.2")
    )
    assert "jax-cuda12-plugin is 0.9.2, jaxlib is 0.9.0.1" in finding.title
    assert finding.evidence


def test_is_silent_where_they_agree():
    assert (
        verdict(
            RULE,
            with_distributions(
                healthy(), "jaxlib==0.9.2", "jax-cuda12-plugin==0.9.2", "jax-cuda12-pjrt==0.9.2"
            ),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"
