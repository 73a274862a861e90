from __future__ import annotations

from stackcheck.rules.driver.dr12_stub import RULE
from tests.stackcheck.sketch import UNKNOWN, changed, found, healthy, verdict, with_variables


def test_names_the_stub():
    finding = found(
        RULE,
        changed(healthy(), driver__cuda_library__path="/usr/local/cuda/lib64/stubs/libcuda.so.1"),
    )
    assert "is the stub /usr/local/cuda/lib64/stubs/libcuda.so.1" in finding.title
    assert finding.evidence


def test_is_silent_about_the_drivers_own():
    assert verdict(RULE, healthy()) == "pass"


def test_is_undecided_where_the_loader_cannot_be_asked():
    assert verdict(RULE, changed(healthy(), driver__cuda_library=UNKNOWN)) == "unknown"


def test_a_stubs_directory_on_the_path_is_a_warning():
    machine = with_variables(healthy(), LD_LIBRARY_PATH="/usr/local/cuda/lib64/stubs:/opt")
    assert found(RULE, machine).severity == "warning"
