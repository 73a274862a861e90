from __future__ import annotations

from stackcheck.rules.resources.rs05_address_space import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_files, with_limits


def test_says_what_the_limit_is():
    finding = found(RULE, with_limits(healthy(), address_space_bytes=64 << 30))
    assert "limited to 64 GiB" in finding.title
    assert finding.evidence


def test_is_silent_without_a_limit():
    assert verdict(RULE, with_limits(healthy(), address_space_bytes=-1)) == "pass"


def test_is_undecided_where_the_limit_is_not_known():
    assert verdict(RULE, with_limits(healthy(), address_space_bytes=UNKNOWN)) == "unknown"


def test_a_kernel_that_promises_nothing_is_a_warning():
    machine = with_files(healthy(), {"/proc/sys/vm/overcommit_memory": "2\n"})
    assert found(RULE, with_limits(machine, address_space_bytes=-1)).severity == "warning"
