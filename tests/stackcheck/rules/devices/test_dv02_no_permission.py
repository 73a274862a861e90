from __future__ import annotations

from stackcheck.rules.devices.dv02_no_permission import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, node, verdict


def test_names_the_closed_nodes():
    finding = found(
        RULE,
        changed(
            healthy(),
            driver__nodes=(
                node("/dev/nvidiactl", 0o660, usable=False),
                node("/dev/nvidia0", 0o660, usable=False),
            ),
        ),
    )
    assert "no permission on 2 of 2 device nodes" in finding.title
    assert finding.evidence


def test_is_silent_where_nodes_are_open():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_access_is_not_known():
    assert (
        verdict(
            RULE, changed(healthy(), driver__nodes=(changed(node("/dev/nvidia0"), usable=UNKNOWN),))
        )
        == "unknown"
    )


def test_nvmls_own_word_suffices():
    assert "no permission" in found(RULE, changed(healthy(), driver__nvml_code=4)).title


def test_capability_nodes_are_closed_by_design():
    nodes = (
        *healthy().driver.nodes.get(),
        node("/dev/nvidia-caps/nvidia-cap1", 0o400, usable=False),
    )
    assert verdict(RULE, changed(healthy(), driver__nodes=nodes)) == "pass"
