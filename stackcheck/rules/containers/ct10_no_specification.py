"""CT-10: no CDI specification, although the engine passes GPUs by CDI."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.containers.specification import CDI_FILES, cdi_specification
from stackcheck.rules.observation import file_of, limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge hosts whose Docker has CDI switched on; podman's users name the device and learn at once."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    if cdi_specification(machine) is not None:
        return None
    daemon = file_of(machine, "/etc/docker/daemon.json").get() or ""
    rootless = (
        limit_of(machine, "engine_rootless").peek()
        if "engine_rootless" in machine.host.limits
        else 0
    )
    if '"cdi"' not in daemon and not rootless:
        raise NotApplicable("no engine here that is known to use CDI")
    return RULE.finding(
        "the container engine passes GPUs by CDI, and there is no specification",
        evidence=tuple(
            Evidence(path, "absent", file_of(machine, path).source) for path in CDI_FILES
        ),
        cause="A CDI device name is resolved by a file that the toolkit writes; nobody wrote it.",
        fix=Fix(
            "Write it",
            ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",),
            needs_root=True,
        ),
        verify="nvidia-ctk cdi list",
    )


RULE = MachineRule(
    code="CT-10",
    reason="container-toolkit-missing",
    layer="containers",
    severity="warning",
    title="CDI device cannot be resolved",
    explanation="nvidia.com/gpu=all names an entry of /etc/cdi/nvidia.yaml or /var/run/cdi/nvidia.yaml.",
    messages=("setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=all",),
    source="NVIDIA/nvidia-container-toolkit#146; NixOS/nixpkgs#420638, #417312",
    judge=judge,
)
