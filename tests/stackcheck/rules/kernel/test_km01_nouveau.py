from __future__ import annotations

from stackcheck.rules.kernel.km01_nouveau import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, verdict, with_function


def test_says_that_nouveau_drives_the_gpu():
    finding = found(
        RULE,
        with_function(
            changed(healthy(), driver__module__version=ABSENT, driver__module__nouveau_loaded=True),
            driver="nouveau",
        ),
    )
    assert "nouveau drives 1 of 1 GPUs" in finding.title
    assert finding.evidence


def test_is_silent_where_nvidia_is_loaded():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_sysfs_does_not_say():
    assert (
        verdict(
            RULE,
            changed(
                healthy(), driver__module__version=ABSENT, driver__module__nouveau_loaded=UNKNOWN
            ),
        )
        == "unknown"
    )
