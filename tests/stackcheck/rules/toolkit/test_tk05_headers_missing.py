from __future__ import annotations

from stackcheck.rules.toolkit.tk05_headers_missing import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_distributions


def test_misses_the_runtime_package():
    finding = found(RULE, with_distributions(healthy(), "cupy-cuda12x==13.6.0"))
    assert "cupy-cuda12x 13.6.0 compiles kernels" in finding.title
    assert finding.evidence


def test_is_silent_where_it_is_installed():
    assert (
        verdict(
            RULE,
            with_distributions(
                healthy(), "cupy-cuda12x==13.6.0", "nvidia-cuda-runtime-cu12==12.8.90"
            ),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"
