"""CT-09: a rootless engine, and a toolkit that wants to write device rules."""

from __future__ import annotations

import re

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of, limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

PATH = "/etc/nvidia-container-runtime/config.toml"


def judge(situation: Situation) -> Finding | None:
    """Judge the toolkit's configuration, where this user's engine runs rootless."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    if not limit_of(machine, "engine_rootless").get():
        raise NotApplicable("no rootless container engine here")
    file = file_of(machine, PATH)
    text = file.get()
    if text is None:
        raise NotApplicable("the container toolkit is not configured")
    if re.search(r"^\s*no-cgroups\s*=\s*true", text, re.MULTILINE):
        return None
    line = re.search(r"^.*no-cgroups.*$", text, re.MULTILINE)
    return RULE.finding(
        f"the container engine runs rootless, and no-cgroups is not true in {PATH}",
        evidence=(Evidence("no-cgroups", line[0].strip() if line else "not set", file.source),),
        cause="Without root the toolkit may not write device rules into the cgroup, and fails when it tries.",
        fix=Fix(
            "Switch that off, or pass GPUs by CDI",
            ("sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=true --in-place",),
            needs_root=True,
        ),
        verify="podman run --rm --device nvidia.com/gpu=all ubuntu nvidia-smi -L",
    )


RULE = MachineRule(
    code="CT-09",
    reason="permission",
    layer="containers",
    severity="warning",
    title="rootless engine and device cgroups",
    explanation="A rootless engine shares the user's rights, which suffice to open the nodes, and not to fence them.",
    messages=(
        "failed to add device rules: bpf_prog_query(BPF_CGROUP_DEVICE) failed: operation not permitted",
    ),
    source="NVIDIA/libnvidia-container#154; NVIDIA/nvidia-container-toolkit#1487, #139",
    judge=judge,
)
