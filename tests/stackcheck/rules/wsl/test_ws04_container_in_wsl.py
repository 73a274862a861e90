from __future__ import annotations

from stackcheck.rules.wsl.ws04_container_in_wsl import RULE
from tests.stackcheck.sketch import UNKNOWN, found, in_container, verdict, wsl


def test_says_that_the_device_was_not_passed():
    finding = found(RULE, in_container(wsl(driver__nodes=(), gpus=())))
    assert "/dev/dxg was not passed" in finding.title
    assert finding.evidence


def test_is_silent_where_the_gpu_works():
    assert verdict(RULE, in_container(wsl())) == "pass"


def test_is_undecided_where_nvml_did_not_answer():
    assert verdict(RULE, in_container(wsl(driver__nvml_code=UNKNOWN))) == "unknown"
