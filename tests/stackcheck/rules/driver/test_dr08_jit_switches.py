from __future__ import annotations

from stackcheck.rules.driver.dr08_jit_switches import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_variables


def test_names_the_switch():
    finding = found(RULE, with_variables(healthy(), CUDA_DISABLE_PTX_JIT="1"))
    assert "CUDA_DISABLE_PTX_JIT=1 is set" in finding.title
    assert finding.evidence


def test_is_silent_about_a_switch_that_is_off():
    assert verdict(RULE, with_variables(healthy(), CUDA_CACHE_DISABLE="0")) == "pass"


def test_is_undecided_where_the_environment_is_not_known():
    assert verdict(RULE, changed(healthy(), host__variables=UNKNOWN)) == "unknown"


def test_a_cache_that_nvidias_images_switch_off_is_information():
    assert found(RULE, with_variables(healthy(), CUDA_CACHE_DISABLE="1")).severity == "info"
