from __future__ import annotations

from stackcheck.rules.hardware.hw07_adapter_failed import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    found,
    gpu,
    healthy,
    in_container,
    verdict,
    with_variables,
)


def test_names_the_bound_gpu_that_nvml_does_not_count():
    finding = found(RULE, changed(healthy(2), gpus=(gpu(0),)))
    assert "NVML counts 1 GPUs, the driver is bound to 2: 0000:3c:00.0" in finding.title
    assert finding.evidence


def test_is_silent_where_both_count_the_same():
    assert verdict(RULE, healthy(2)) == "pass"


def test_is_undecided_where_nvml_counts_nothing():
    assert verdict(RULE, changed(healthy(2), gpus=UNKNOWN)) == "unknown"


def test_a_container_and_a_batch_job_see_fewer_by_design():
    machine = changed(healthy(2), gpus=(gpu(0),))
    assert verdict(RULE, in_container(machine)) == "skipped"
    assert verdict(RULE, with_variables(machine, SLURM_JOB_ID="7")) == "skipped"
