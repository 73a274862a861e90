"""WS-02: the WSL kernel has no GPU device."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge /dev/dxg; without Windows' libraries the machine may simply have no NVIDIA GPU."""
    machine = situation.machine
    require_platform(machine, "wsl2")
    nodes = machine.driver.nodes
    if any(node.path == "/dev/dxg" for node in nodes.get() or ()):
        return None
    if machine.host.container.get() is not None:
        raise NotApplicable("in a container the device may not have been passed (WS-04)")
    return RULE.finding(
        "there is no /dev/dxg: the WSL kernel shows no GPU",
        evidence=(
            observed(
                "device nodes",
                nodes,
                lambda found: ", ".join(node.path for node in found) or "none",
            ),
            observed("kernel", machine.host.kernel),
        ),
        cause="WSL 1, a custom kernel, virtualisation switched off, a Windows driver in TCC mode, or a machine"
        " without GPU.",
        fix=Fix(
            "In Windows: WSL 2 with its stock kernel and a current NVIDIA driver in WDDM or MCDM mode",
            ("wsl --update", "wsl --set-version DISTRIBUTION 2", "wsl --shutdown"),
        ),
        verify="ls -l /dev/dxg",
        severity="info" if not machine.host.wsl_libraries.peek() else "error",
    )


RULE = MachineRule(
    code="WS-02",
    reason="no-driver",
    layer="wsl",
    title="no GPU in the WSL kernel",
    explanation="WSL 2 shows the GPUs of Windows through one paravirtual device, /dev/dxg.",
    messages=("GPU access blocked by the operating system",),
    source="microsoft/WSL#12859, #11865; zhenruyan/WSL-libre-linux-kernel#5",
    judge=judge,
)
