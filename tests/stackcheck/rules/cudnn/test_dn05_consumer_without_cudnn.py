from __future__ import annotations

from stackcheck.rules.cudnn.dn05_consumer_without_cudnn import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    healthy,
    library,
    verdict,
    with_distributions,
)


def test_names_the_package_that_cannot_find_cudnn():
    finding = found(RULE, with_distributions(healthy(), "ctranslate2==4.6.0"))
    assert "ctranslate2 4.6.0 needs cuDNN 9 and brings none; the loader finds none" in finding.title
    assert finding.evidence


def test_is_silent_where_the_loader_finds_one():
    assert (
        verdict(
            RULE,
            changed(
                with_distributions(healthy(), "ctranslate2==4.6.0"),
                system_cudnn=library("libcudnn.so.9", "9.10.2"),
            ),
        )
        == "pass"
    )


def test_is_undecided_where_the_system_cannot_be_asked():
    assert (
        verdict(
            RULE, changed(with_distributions(healthy(), "ctranslate2==4.6.0"), system_cudnn=UNKNOWN)
        )
        == "unknown"
    )
