"""DV-05: persistence is off."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, gpus_of, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge data-centre boards only: a display server keeps the others awake, or nobody minds."""
    machine = situation.machine
    require_platform(machine, "linux")
    gpus = gpus_of(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("a container cannot see the host's daemon")
    servers = [gpu for gpu in gpus if "GeForce" not in (gpu.name.get() or "")]
    if not servers:
        raise NotApplicable("about data-centre boards")
    off = [gpu for gpu in servers if gpu.persistence.get() is False]
    if not off or machine.driver.persistence_daemon.get():
        return None
    return RULE.finding(
        f"persistence is off on {len(off)} of {len(gpus)} GPUs",
        evidence=(
            *(observed(f"persistence of GPU {gpu.index}", gpu.persistence) for gpu in off),
            observed("nvidia-persistenced", machine.driver.persistence_daemon),
        ),
        cause="With nobody holding the driver open it forgets each GPU's state when the last program ends: the next"
        " one waits seconds, and settings and error counters are lost.",
        fix=Fix(
            "Enable the persistence daemon",
            ("sudo systemctl enable --now nvidia-persistenced",),
            needs_root=True,
        ),
        verify="nvidia-smi -q | grep -i persistence",
    )


RULE = MachineRule(
    code="DV-05",
    reason="other",
    layer="devices",
    severity="info",
    title="persistence off",
    explanation="The persistence daemon keeps the driver's state alive between programs. The driver's own persistence"
    " mode is deprecated in its favour.",
    source="NVIDIA/open-gpu-kernel-modules: nv.c; leptonai/gpud: persistence-mode",
    judge=judge,
)
