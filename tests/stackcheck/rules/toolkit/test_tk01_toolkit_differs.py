from __future__ import annotations

from stackcheck.model.environment import Toolkit
from stackcheck.model.version import Version
from stackcheck.rules.toolkit.tk01_toolkit_differs import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, known, verdict, with_builds


def test_names_both_versions():
    finding = found(
        RULE,
        with_builds(
            changed(
                healthy(), toolkits=(Toolkit("/usr/local/cuda", known(Version("11.8")), "PATH"),)
            ),
            "torch==2.9.0+cu128",
        ),
    )
    assert "the CUDA toolkit is 11.8, pytorch 2.9.0+cu128 is built with 12.8" in finding.title
    assert finding.evidence


def test_is_silent_about_another_minor():
    assert (
        verdict(
            RULE,
            with_builds(
                changed(
                    healthy(),
                    toolkits=(Toolkit("/usr/local/cuda", known(Version("12.4")), "PATH"),),
                ),
                "torch==2.9.0+cu128",
            ),
        )
        == "pass"
    )


def test_is_undecided_where_toolkits_are_not_known():
    assert (
        verdict(RULE, with_builds(changed(healthy(), toolkits=UNKNOWN), "torch==2.9.0+cu128"))
        == "unknown"
    )
