from __future__ import annotations

from stackcheck.rules.toolkit.tk09_stale_cache import RULE
from tests.stackcheck.sketch import ABSENT, UNKNOWN, changed, found, healthy, verdict, with_limits


def test_finds_a_file_that_the_cache_does_not_list():
    finding = found(
        RULE, with_limits(changed(healthy(), driver__cuda_library=ABSENT), libcuda_cached=0)
    )
    assert "the loader's cache does not list it" in finding.title
    assert finding.evidence


def test_is_silent_where_the_library_is_found():
    assert verdict(RULE, with_limits(healthy(), libcuda_cached=1)) == "pass"


def test_is_undecided_where_the_cache_cannot_be_read():
    assert (
        verdict(
            RULE,
            with_limits(changed(healthy(), driver__cuda_library=ABSENT), libcuda_cached=UNKNOWN),
        )
        == "unknown"
    )
