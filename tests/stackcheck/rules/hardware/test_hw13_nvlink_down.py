from __future__ import annotations

from stackcheck.rules.hardware.hw13_nvlink_down import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu


def test_compares_a_gpu_with_its_neighbours():
    finding = found(
        RULE,
        with_gpu(
            with_gpu(healthy(2), 0, nvlinks=18, nvlinks_active=17), 1, nvlinks=18, nvlinks_active=18
        ),
    )
    assert "GPU 0 has 17 NVLink links up, its neighbours have 18" in finding.title
    assert finding.evidence


def test_is_silent_where_all_have_the_same():
    assert (
        verdict(
            RULE,
            with_gpu(
                with_gpu(healthy(2), 0, nvlinks=18, nvlinks_active=18),
                1,
                nvlinks=18,
                nvlinks_active=18,
            ),
        )
        == "pass"
    )


def test_is_undecided_where_links_were_not_counted():
    assert verdict(RULE, with_gpu(healthy(2), nvlinks_active=UNKNOWN)) == "unknown"


def test_boards_without_a_bridge_are_skipped():
    assert verdict(RULE, healthy(2)) == "skipped"
