from __future__ import annotations

from stackcheck.rules.kernel.km02_no_module import RULE
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    changed,
    found,
    healthy,
    verdict,
    without_gpu,
)


def test_names_the_kernel_that_has_a_module():
    finding = found(
        RULE,
        changed(
            healthy(),
            driver__module__version=ABSENT,
            driver__module__built_for=("6.8.0-40-generic",),
        ),
    )
    assert "running kernel 6.8.0-45-generic; there is one for 6.8.0-40-generic" in finding.title
    assert finding.evidence


def test_is_silent_where_the_module_is_loaded():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_module_trees_cannot_be_read():
    assert (
        verdict(
            RULE,
            changed(healthy(), driver__module__version=ABSENT, driver__module__built_for=UNKNOWN),
        )
        == "unknown"
    )


def test_a_machine_without_any_driver_is_told_to_install_one():
    machine = changed(healthy(), driver__module__version=ABSENT, driver__module__built_for=())
    assert "no NVIDIA driver is installed" in found(RULE, machine).title


def test_an_installed_module_that_is_not_loaded_is_said_so():
    assert (
        "installed but not loaded"
        in found(RULE, changed(healthy(), driver__module__version=ABSENT)).title
    )


def test_a_machine_without_gpu_needs_no_module():
    assert verdict(RULE, without_gpu()) == "skipped"
