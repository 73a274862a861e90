from __future__ import annotations

from stackcheck.rules.driver.dr10_compat_refused import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_gpu


def test_names_the_branches_that_the_package_lists():
    finding = found(
        RULE,
        changed(
            healthy(),
            driver__cuda_library__forward_compatible_with=(535, 550),
            driver__cuda_library__path="/usr/local/cuda/compat/libcuda.so.1",
        ),
    )
    assert "it lists drivers 535, 550 and the module is 580.95.05" in finding.title
    assert finding.evidence


def test_is_silent_where_the_branch_is_listed():
    assert (
        verdict(RULE, changed(healthy(), driver__cuda_library__forward_compatible_with=(535, 580)))
        == "pass"
    )


def test_is_undecided_where_the_note_cannot_be_read():
    assert (
        verdict(RULE, changed(healthy(), driver__cuda_library__forward_compatible_with=UNKNOWN))
        == "unknown"
    )


def test_a_geforce_may_not_use_it():
    machine = changed(healthy(), driver__cuda_library__forward_compatible_with=(580,))
    machine = with_gpu(machine, name="NVIDIA GeForce RTX 3090")
    assert "is no data-centre GPU" in found(RULE, machine).title
