from __future__ import annotations

from stackcheck.rules.nccl.nc03_no_interface import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_files, with_variables


def test_names_the_interface_that_is_not_there():
    finding = found(
        RULE,
        with_files(
            with_variables(healthy(), NCCL_SOCKET_IFNAME="ib0"), {"/sys/class/net": "lo\neth0"}
        ),
    )
    assert "NCCL_SOCKET_IFNAME=ib0, and the interfaces are lo, eth0" in finding.title
    assert finding.evidence


def test_is_silent_about_a_prefix_that_fits():
    assert (
        verdict(
            RULE,
            with_files(
                with_variables(healthy(), NCCL_SOCKET_IFNAME="eth"), {"/sys/class/net": "lo\neth0"}
            ),
        )
        == "pass"
    )


def test_is_undecided_where_interfaces_are_not_known():
    assert (
        verdict(
            RULE,
            with_files(
                with_variables(healthy(), NCCL_SOCKET_IFNAME="ib0"), {"/sys/class/net": UNKNOWN}
            ),
        )
        == "unknown"
    )


def test_an_equals_sign_wants_the_whole_name():
    machine = with_variables(healthy(), NCCL_SOCKET_IFNAME="=eth")
    assert "=eth" in found(RULE, with_files(machine, {"/sys/class/net": "lo\neth0"})).title
