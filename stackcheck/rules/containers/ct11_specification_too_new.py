"""CT-11: the CDI specification is too new for the engine."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.containers.specification import cdi_specification, cdi_version
from stackcheck.rules.observation import limit_of, observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, require_gpu, require_platform

__all__ = ["RULE"]

ADDITIONAL_GIDS = Version("0.7.0")
"""First version of the specification with `additionalGids`."""
FIRST_READER = 5
"""Major of podman from which that is read; 4.9.3 does not."""


def judge(situation: Situation) -> Finding | None:
    """Judge the specification's version against podman's."""
    machine = situation.machine
    require_platform(machine, "linux")
    require_gpu(machine)
    specification = cdi_specification(machine)
    version = cdi_version(specification.value) if specification else None
    if specification is None or version is None:
        raise NotApplicable("there is no CDI specification")
    podman = limit_of(machine, "podman_major")
    major = podman.get()
    if major is None or major >= FIRST_READER or version < ADDITIONAL_GIDS:
        return None
    return RULE.finding(
        f"the CDI specification is of version {version}, and podman {major} reads older ones only",
        evidence=(
            Evidence("cdiVersion", str(version), specification.source),
            observed("podman", podman),
        ),
        cause="A newer container toolkit wrote fields that this engine does not know.",
        fix=Fix(
            "Update podman, or the container toolkit to 1.18.2, which writes the older version again",
            ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",),
            needs_root=True,
        ),
        verify="podman run --rm --device nvidia.com/gpu=all ubuntu nvidia-smi -L",
    )


RULE = MachineRule(
    code="CT-11",
    reason="container-toolkit-missing",
    layer="containers",
    severity="warning",
    title="CDI specification too new for the engine",
    explanation="Engines refuse a specification with fields that they do not know.",
    messages=('failed to unmarshal CDI Spec: json: unknown field "additionalGids"',),
    source="NVIDIA/nvidia-container-toolkit#1860, #1940, #1853",
    judge=judge,
)
