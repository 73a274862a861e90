from __future__ import annotations

from stackcheck.rules.driver.dr11_user_mode_mismatch import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict


def test_names_both_releases():
    finding = found(RULE, changed(healthy(), driver__cuda_library__version="575.57.08"))
    assert "libcuda is 575.57.08, the loaded kernel module is 580.95.05" in finding.title
    assert finding.evidence


def test_is_silent_where_they_are_the_same():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_file_name_tells_nothing():
    assert verdict(RULE, changed(healthy(), driver__cuda_library__version=UNKNOWN)) == "unknown"


def test_a_cuda_compat_library_is_left_to_its_own_rule():
    machine = changed(
        healthy(),
        driver__cuda_library__version="590.44.01",
        driver__cuda_library__forward_compatible_with=(580,),
    )
    assert verdict(RULE, machine) == "skipped"
