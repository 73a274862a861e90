from __future__ import annotations

from stackcheck.model.gpu import MigInstance
from stackcheck.rules.visibility.vs03_mig_without_instance import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu, wsl


def test_finds_a_gpu_in_mig_mode_without_a_slice():
    finding = found(RULE, with_gpu(healthy(2), mig_enabled=True))
    assert "has no instance on 1 of 2 GPUs" in finding.title
    assert finding.evidence


def test_is_silent_where_there_is_a_slice():
    assert (
        verdict(
            RULE,
            with_gpu(healthy(), mig_enabled=True, mig_instances=(MigInstance("MIG-1", "1g.10gb"),)),
        )
        == "pass"
    )


def test_is_undecided_where_the_mode_is_not_known():
    assert verdict(RULE, with_gpu(healthy(), mig_enabled=UNKNOWN)) == "unknown"


def test_gpus_without_mig_are_skipped():
    assert verdict(RULE, wsl()) == "skipped"
