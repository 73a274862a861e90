"""NC-03: NCCL_SOCKET_IFNAME names an interface that is not there."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of, variable_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu

__all__ = ["RULE"]

VARIABLE = "NCCL_SOCKET_IFNAME"


def judge(situation: Situation) -> Finding | None:
    """Judge each entry: a prefix, `=` for the whole name, `^` in front to leave interfaces out."""
    machine = situation.machine
    require_gpu(machine)
    value = variable_of(machine, VARIABLE)
    if not value or value.startswith("^"):
        raise NotApplicable(f"{VARIABLE} names no interface")
    listing = file_of(machine, "/sys/class/net")
    interfaces = (listing.get() or "").split()
    exact = value.startswith("=")
    entries = value.removeprefix("=").split(",")
    if any(
        name == entry or (not exact and name.startswith(entry))
        for entry in entries
        for name in interfaces
    ):
        return None
    return RULE.finding(
        f"{VARIABLE}={value}, and the interfaces are {', '.join(interfaces) or 'none'}",
        evidence=(
            Evidence(VARIABLE, value, machine.host.variables.source),
            Evidence("network interfaces", ", ".join(interfaces) or "none", listing.source),
        ),
        cause="NCCL meets its peers over that interface only, and it is not on this machine.",
        fix=Fix("Name an interface that all nodes share, or unset it", (f"unset {VARIABLE}",)),
        verify="ls /sys/class/net",
    )


RULE = MachineRule(
    code="NC-03",
    reason="other",
    layer="nccl",
    title="no network interface for NCCL",
    explanation="Ranks find each other over a socket; NCCL_SOCKET_IFNAME says on which interface.",
    messages=(
        "NCCL WARN Bootstrap : no socket interface found",
        "Socket creation failed : Address family not supported by protocol",
    ),
    source="pytorch/pytorch#29482; NVIDIA/nccl#1837, #210; NVIDIA/nccl-tests#14",
    judge=judge,
)
