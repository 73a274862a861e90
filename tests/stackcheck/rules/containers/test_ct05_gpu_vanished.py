from __future__ import annotations

from stackcheck.rules.containers.ct05_gpu_vanished import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, in_container, node, verdict


def test_finds_a_container_that_lost_its_gpu():
    finding = found(
        RULE,
        in_container(
            changed(
                healthy(),
                driver__nvml_code=999,
                driver__nodes=(node("/dev/nvidiactl", usable=False),),
            )
        ),
    )
    assert "NVML answers 999 and 1 device nodes cannot be opened" in finding.title
    assert finding.evidence


def test_is_silent_where_nvml_answers():
    assert verdict(RULE, in_container(healthy())) == "pass"


def test_is_undecided_where_nvml_did_not_answer():
    assert verdict(RULE, in_container(changed(healthy(), driver__nvml_code=UNKNOWN))) == "unknown"
