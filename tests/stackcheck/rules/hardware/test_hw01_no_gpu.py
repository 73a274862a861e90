from __future__ import annotations

from stackcheck.rules.hardware.hw01_no_gpu import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    found,
    healthy,
    in_container,
    jetson,
    verdict,
    with_variables,
    without_gpu,
    wsl,
)


def test_says_that_there_is_no_gpu():
    finding = found(RULE, without_gpu())
    assert "no NVIDIA GPU here" in finding.title
    assert finding.evidence


def test_is_silent_where_a_gpu_is_on_the_bus():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_bus_cannot_be_read():
    assert verdict(RULE, without_gpu(pci=UNKNOWN)) == "unknown"


def test_says_nothing_of_platforms_whose_gpu_is_not_on_the_bus():
    assert verdict(RULE, wsl()) == "skipped"
    assert verdict(RULE, jetson()) == "skipped"


def test_windows_without_the_driver_counts_as_without_a_gpu():
    machine = without_gpu(host__platform="windows", pci=UNKNOWN)
    assert "not installed" in found(RULE, machine).evidence[0].value


def test_windows_with_a_driver_that_does_not_answer_is_undecided():
    machine = without_gpu(host__platform="windows", pci=UNKNOWN, driver__nvml_code=UNKNOWN)
    assert verdict(RULE, machine) == "unknown"


def test_a_login_node_and_a_job_are_told_to_ask_the_scheduler():
    node = with_variables(without_gpu(), SLURM_CONF="/etc/slurm/slurm.conf")
    assert "on this Slurm login node" in found(RULE, node).title
    job = with_variables(without_gpu(), SLURM_JOB_ID="4711")
    finding = found(RULE, job)
    assert "in Slurm job 4711" in finding.title
    assert finding.fix.commands == ("srun --gres=gpu:1 --pty stackcheck doctor",)


def test_a_container_is_said_to_have_a_host_without_a_gpu():
    finding = found(RULE, in_container(without_gpu()))
    assert "no NVIDIA GPU on the host of this docker container" in finding.title
