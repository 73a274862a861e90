from __future__ import annotations

from stackcheck.model.environment import Toolkit
from stackcheck.model.version import Version
from stackcheck.rules.toolkit.tk07_host_compiler import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, known, verdict, with_limits


def test_names_the_newest_compiler_that_nvcc_takes():
    finding = found(
        RULE,
        with_limits(
            changed(
                healthy(), toolkits=(Toolkit("/usr/local/cuda", known(Version("12.4")), "PATH"),)
            ),
            gcc=14,
        ),
    )
    assert "gcc is 14, nvcc of CUDA 12.4 takes 13 at most" in finding.title
    assert finding.evidence


def test_is_silent_about_an_older_one():
    assert (
        verdict(
            RULE,
            with_limits(
                changed(
                    healthy(),
                    toolkits=(Toolkit("/usr/local/cuda", known(Version("12.4")), "PATH"),),
                ),
                gcc=12,
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_compiler_is_not_known():
    assert (
        verdict(
            RULE,
            with_limits(
                changed(
                    healthy(),
                    toolkits=(Toolkit("/usr/local/cuda", known(Version("12.4")), "PATH"),),
                ),
                gcc=UNKNOWN,
            ),
        )
        == "unknown"
    )
