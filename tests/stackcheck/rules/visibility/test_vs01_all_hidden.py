from __future__ import annotations

from stackcheck.rules.visibility.vs01_all_hidden import RULE
from tests.stackcheck.sketch import (
    GPU_UUID,
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    with_variables,
)


def test_an_index_past_the_last_gpu_hides_all():
    finding = found(RULE, with_variables(healthy(2), CUDA_VISIBLE_DEVICES="2,0"))
    assert "'2,0' hides all GPUs; NVML has 2" in finding.title
    assert finding.evidence


def test_an_index_that_exists_is_fine():
    assert verdict(RULE, with_variables(healthy(2), CUDA_VISIBLE_DEVICES="1")) == "pass"


def test_is_undecided_where_gpus_are_not_counted():
    assert (
        verdict(RULE, changed(with_variables(healthy(), CUDA_VISIBLE_DEVICES="0"), gpus=UNKNOWN))
        == "unknown"
    )


def test_an_empty_value_and_minus_one_hide_all():
    for value in ("", "-1", "-1,0", "NoDevFiles"):
        assert (
            "hides all" in found(RULE, with_variables(healthy(), CUDA_VISIBLE_DEVICES=value)).title
        )


def test_the_start_of_a_uuid_names_a_gpu():
    assert verdict(RULE, with_variables(healthy(), CUDA_VISIBLE_DEVICES=GPU_UUID[:12])) == "pass"
    assert "hides all" in found(RULE, with_variables(healthy(), CUDA_VISIBLE_DEVICES="GPU-9")).title


def test_no_mask_is_skipped():
    assert verdict(RULE, healthy()) == "skipped"
