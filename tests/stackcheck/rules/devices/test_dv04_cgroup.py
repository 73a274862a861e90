from __future__ import annotations

from stackcheck.rules.devices.dv04_cgroup import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, node, verdict, with_variables


def test_finds_nodes_that_their_mode_opens_and_the_kernel_does_not():
    finding = found(RULE, changed(healthy(), driver__nodes=(node("/dev/nvidia0", usable=False),)))
    assert "the cgroup blocks 1 of 1 device nodes" in finding.title
    assert finding.evidence


def test_is_silent_where_nodes_open():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_nvml_did_not_answer():
    assert verdict(RULE, changed(healthy(), driver__nvml_code=UNKNOWN)) == "unknown"


def test_a_batch_job_without_a_gpu_request_is_named():
    machine = with_variables(changed(healthy(), driver__nvml_code=17), SLURM_JOB_ID="4711")
    assert "Slurm job 4711 asked for no GPU" in found(RULE, machine).title
