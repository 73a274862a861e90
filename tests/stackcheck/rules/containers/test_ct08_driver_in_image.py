from __future__ import annotations

from stackcheck.rules.containers.ct08_driver_in_image import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, in_container, library, verdict


def test_names_both_releases():
    finding = found(
        RULE,
        in_container(
            changed(
                healthy(),
                driver__cuda_libraries=(
                    library("libcuda.so.1", "580.95.05"),
                    library("libcuda.so.1", "535.54.03"),
                ),
            )
        ),
    )
    assert (
        "the image contains libcuda 535.54.03, and the host's driver is 580.95.05" in finding.title
    )
    assert finding.evidence


def test_is_silent_about_the_hosts_own():
    assert verdict(RULE, in_container(healthy())) == "pass"


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert (
        verdict(RULE, in_container(changed(healthy(), driver__cuda_libraries=UNKNOWN))) == "unknown"
    )
