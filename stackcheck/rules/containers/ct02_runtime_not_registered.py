"""CT-02: the nvidia runtime is not registered, or the daemon's file is broken."""

from __future__ import annotations

import json

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.observation import file_of, limit_of
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

PATH = "/etc/docker/daemon.json"


def judge(situation: Situation) -> Finding | None:
    """Judge the daemon's file: its JSON, and a default runtime that it does not define."""
    machine = situation.machine
    require_platform(machine, "linux", "wsl2")
    require_gpu(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("about the host, and this is a container")
    file = file_of(machine, PATH)
    text = file.get()
    if text is None:
        raise NotApplicable(f"there is no {PATH}")
    try:
        content = json.loads(text)
        fault = "" if isinstance(content, dict) else "is no JSON object"
    except ValueError as error:
        content, fault = {}, f"is no JSON: {error}"
    if not fault:
        runtimes = content.get("runtimes") or {}
        wanted = content.get("default-runtime", "")
        registered = isinstance(runtimes, dict) and "nvidia" in runtimes
        if registered or (wanted != "nvidia" and not _has_toolkit(situation)):
            return None
        fault = (
            "names nvidia as default runtime and does not define it" if wanted == "nvidia" else ""
        )
    if not fault:
        return None
    return RULE.finding(
        f"{PATH} {fault}",
        evidence=(Evidence(PATH, " ".join(text.split())[:120] or "empty", file.source),),
        cause="The file was edited by hand, or the toolkit was configured for another daemon's file.",
        fix=Fix(
            "Have the toolkit write it, and restart the daemon",
            (
                "sudo nvidia-ctk runtime configure --runtime=docker",
                "sudo systemctl restart docker",
            ),
            needs_root=True,
        ),
        verify="docker info | grep -i runtimes",
    )


def _has_toolkit(situation: Situation) -> bool:
    return bool(limit_of(situation.machine, "container_toolkit").peek())


RULE = MachineRule(
    code="CT-02",
    reason="container-toolkit-missing",
    layer="containers",
    severity="warning",
    title="nvidia runtime not registered",
    explanation="Docker reads its runtimes from daemon.json at start. Rootless, Desktop and snap editions read other"
    " files.",
    messages=(
        "unknown or invalid runtime name: nvidia",
        "Unknown runtime specified nvidia",
    ),
    source="NVIDIA/nvidia-container-toolkit#150, #378; NVIDIA/nvidia-docker#542",
    judge=judge,
)
