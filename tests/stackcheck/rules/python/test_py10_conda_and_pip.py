from __future__ import annotations

from stackcheck.rules.python.py10_conda_and_pip import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, distribution, found, healthy, verdict


def test_names_one_of_each():
    finding = found(
        RULE,
        changed(
            healthy(),
            environment__distributions=(
                distribution("libcublas", "12.9.1.4", conda_build="h9ab20c4_0"),
                distribution("nvidia-cublas-cu12", "12.8.4.1"),
            ),
        ),
    )
    assert (
        "from conda (libcublas 12.9.1.4) and from pip (nvidia-cublas-cu12 12.8.4.1)"
        in finding.title
    )
    assert finding.evidence


def test_is_silent_about_the_nvml_binding():
    assert (
        verdict(
            RULE,
            changed(
                healthy(),
                environment__distributions=(
                    distribution("libcublas", "12.9.1.4", conda_build="h9ab20c4_0"),
                    distribution("nvidia-ml-py", "13.0"),
                ),
            ),
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"
