"""CT-01: the container toolkit is not installed."""

from __future__ import annotations

from stackcheck.model.finding import Finding, Fix
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the programs on PATH of a host that has a container engine."""
    machine = situation.machine
    require_platform(machine, "linux", "wsl2")
    require_gpu(machine)
    if machine.host.container.get() is not None:
        raise NotApplicable("about the host, and this is a container")
    engine, toolkit = limit_of(machine, "container_engine"), limit_of(machine, "container_toolkit")
    if not engine.get():
        raise NotApplicable("no container engine here")
    if toolkit.get():
        return None
    return RULE.finding(
        "a container engine is here, and NVIDIA's container toolkit is not: containers get no GPU",
        evidence=(
            observed("docker or podman", engine, lambda found: "on PATH" if found else "none"),
            observed(
                "nvidia-ctk, nvidia-container-cli",
                toolkit,
                lambda found: "on PATH" if found else "none",
            ),
        ),
        cause="The engine cannot pass NVIDIA GPUs by itself.",
        fix=Fix(
            "If containers shall use the GPU: install the toolkit, configure the engine, restart it",
            (
                "sudo apt-get install nvidia-container-toolkit",
                "sudo nvidia-ctk runtime configure --runtime=docker",
                "sudo systemctl restart docker",
            ),
            needs_root=True,
        ),
        verify="docker run --rm --gpus all ubuntu nvidia-smi -L",
    )


RULE = MachineRule(
    code="CT-01",
    reason="container-toolkit-missing",
    layer="containers",
    severity="info",
    title="container toolkit not installed",
    explanation="nvidia-container-toolkit puts device nodes and driver libraries into containers. It is information"
    " only, since whoever runs no containers needs none.",
    messages=('could not select device driver "" with capabilities: [[gpu]]',),
    source="NVIDIA/nvidia-docker#1034, #1352",
    judge=judge,
)
