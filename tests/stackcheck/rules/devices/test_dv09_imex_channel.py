from __future__ import annotations

from stackcheck.rules.devices.dv09_imex_channel import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, node, verdict, with_gpu


def test_misses_a_channel_on_a_rack():
    finding = found(
        RULE,
        with_gpu(
            changed(
                healthy(),
                driver__module__device_majors={"nvidia": 195, "nvidia-caps-imex-channels": 500},
            ),
            fabric_state=3,
        ),
    )
    assert "there is none" in finding.title
    assert finding.evidence


def test_is_silent_where_one_can_be_opened():
    assert (
        verdict(
            RULE,
            with_gpu(
                changed(
                    healthy(),
                    driver__module__device_majors={"nvidia": 195, "nvidia-caps-imex-channels": 500},
                    driver__nodes=(node("/dev/nvidia-caps-imex-channels/channel0"),),
                ),
                fabric_state=3,
            ),
        )
        == "pass"
    )


def test_is_undecided_where_proc_devices_cannot_be_read():
    assert verdict(RULE, changed(healthy(), driver__module__device_majors=UNKNOWN)) == "unknown"
