from __future__ import annotations

from stackcheck.rules.visibility.vs02_numbering import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu, with_variables


def test_tells_that_numbers_differ():
    finding = found(RULE, with_gpu(healthy(2), 1, name="Tesla T4"))
    assert "unlike GPUs, and CUDA_DEVICE_ORDER is not set" in finding.title
    assert finding.evidence


def test_is_silent_where_both_go_by_the_bus():
    assert (
        verdict(
            RULE,
            with_variables(
                with_gpu(healthy(2), 1, name="Tesla T4"), CUDA_DEVICE_ORDER="PCI_BUS_ID"
            ),
        )
        == "pass"
    )


def test_is_undecided_where_models_are_not_known():
    assert verdict(RULE, with_gpu(healthy(2), name=UNKNOWN)) == "unknown"


def test_it_is_a_warning_where_gpus_are_chosen_by_number():
    machine = with_gpu(with_variables(healthy(2), CUDA_VISIBLE_DEVICES="1"), 1, name="Tesla T4")
    assert found(RULE, machine).severity == "warning"
