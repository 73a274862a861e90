from __future__ import annotations

from stackcheck.rules.jetson.jt03_static_tls import RULE
from tests.stackcheck.sketch import UNKNOWN, found, jetson, verdict, with_distributions


def test_names_the_packages_and_glibc():
    finding = found(
        RULE, with_distributions(jetson(host__glibc="2.31"), "torch==2.1.0", "scikit-learn==1.3.0")
    )
    assert "scikit-learn and torch each bring a libgomp, and glibc 2.31" in finding.title
    assert finding.evidence


def test_is_silent_with_a_newer_glibc():
    assert (
        verdict(RULE, with_distributions(jetson(), "torch==2.1.0", "scikit-learn==1.3.0")) == "pass"
    )


def test_is_undecided_where_glibc_is_not_known():
    assert (
        verdict(
            RULE,
            with_distributions(jetson(host__glibc=UNKNOWN), "torch==2.1.0", "scikit-learn==1.3.0"),
        )
        == "unknown"
    )
