from __future__ import annotations

from stackcheck.rules.python.py11_user_site import RULE
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    distribution,
    found,
    healthy,
    verdict,
    with_distributions,
    with_variables,
)


def test_names_the_package_from_outside():
    finding = found(
        RULE,
        with_variables(
            changed(
                healthy(),
                environment__distributions=(
                    distribution(
                        "torch",
                        "2.4.0",
                        path="/home/ann/.local/lib/python3.12/site-packages/torch-2.4.0.dist-info",
                    ),
                ),
            ),
            HOME="/home/ann",
        ),
    )
    assert "torch 2.4.0 comes from the user's site-packages" in finding.title
    assert finding.evidence


def test_is_silent_about_the_environments_own():
    assert (
        verdict(
            RULE, with_variables(with_distributions(healthy(), "torch==2.4.0"), HOME="/home/ann")
        )
        == "pass"
    )


def test_is_undecided_where_packages_are_not_known():
    assert verdict(RULE, changed(healthy(), environment__distributions=UNKNOWN)) == "unknown"


def test_pythonpath_is_named_where_it_brings_the_package():
    torch = distribution("torch", "2.4.0", path="/opt/site/torch-2.4.0.dist-info")
    machine = changed(healthy(), environment__distributions=(torch,))
    machine = with_variables(machine, PYTHONPATH="/opt/site")
    assert "comes from PYTHONPATH" in found(RULE, machine).title
