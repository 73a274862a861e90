from __future__ import annotations

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from stackcheck.diagnose.status import exit_status
from stackcheck.model.diagnosis import Check, Diagnosis
from stackcheck.model.finding import Finding
from stackcheck.model.machine import Machine
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    healthy,
    situation,
    with_gpu,
    with_variables,
)


def judged(machine, **options):
    return diagnose(situation(machine), own_rules(), **options)


WARNED = with_variables(healthy(), CUDA_FORCE_PTX_JIT="1")
BROKEN = changed(healthy(), driver__nvml_code=4)
UNDECIDED = changed(healthy(), driver__module__flavour=UNKNOWN)
UNSURE = with_gpu(healthy(), ecc__uncorrected=UNKNOWN)


@pytest.mark.parametrize(
    ("machine", "status", "by_error", "by_warning", "by_unknown"),
    [
        (healthy(), "ok", 0, 0, 0),
        (WARNED, "warning", 0, 1, 1),
        (BROKEN, "error", 1, 1, 1),
        (UNDECIDED, "unknown", 3, 3, 3),
        (UNSURE, "ok", 0, 0, 3),
    ],
    ids=["healthy", "warning", "error", "undecided driver rule", "undecided hardware rule"],
)
def test_exit_status_follows_the_contract(machine, status, by_error, by_warning, by_unknown):
    diagnosis = judged(machine)
    assert diagnosis.status == status
    assert exit_status(diagnosis, "error") == by_error
    assert exit_status(diagnosis, "warning") == by_warning
    assert exit_status(diagnosis, "unknown") == by_unknown


def test_an_error_wins_over_what_is_undecided():
    machine = changed(BROKEN, driver__module__flavour=UNKNOWN)
    assert exit_status(judged(machine)) == 1


def test_what_is_undecided_wins_over_a_warning():
    machine = changed(WARNED, driver__module__flavour=UNKNOWN)
    assert judged(machine).status == "unknown"
    assert exit_status(judged(machine)) == 3
    assert exit_status(judged(machine), "warning") == 1


def test_information_is_well():
    diagnosis = Diagnosis(
        "ok", "", Machine(), (Finding("HW-09", "other", "info", "hardware", "x"),)
    )
    assert exit_status(diagnosis, "unknown") == 0


def test_a_crashed_rule_of_the_driver_leaves_the_status_open():
    crashed = Check("KM-99", "crashed", 0.0)
    diagnosis = judged(healthy(), failed=(crashed,))
    assert diagnosis.status == "unknown"
    assert exit_status(diagnosis) == 3


def test_a_gpu_that_is_required_and_not_known_leaves_the_status_open():
    machine = changed(healthy(), pci=UNKNOWN, gpus=UNKNOWN)
    assert judged(machine, only=["HW-01"]).status == "ok"
    assert judged(machine, only=["HW-01"], require_gpu=True).status == "unknown"
