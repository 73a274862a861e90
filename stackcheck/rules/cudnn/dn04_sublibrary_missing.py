"""DN-04: the cuDNN wheel lacks a sub-library, and the system's is taken."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of

__all__ = ["RULE"]

SUBLIBRARY = "libcudnn_engines_tensor_ir.so.9"
WITHOUT = {("nvidia-cudnn-cu13", "9.20.0.48")}
"""Wheels reported to lack it."""


def judge(situation: Situation) -> Finding | None:
    """Judge the wheels that are known for it, where the system has a cuDNN to be mixed in."""
    machine = situation.machine
    environment = environment_of(machine)
    wheels = [
        distribution
        for distribution in environment.distributions.get() or ()
        if (distribution.name, distribution.version) in WITHOUT
    ]
    if not wheels:
        raise NotApplicable("no cuDNN wheel that lacks a part is installed")
    if any(library.soname == SUBLIBRARY for library in environment.libraries.get() or ()):
        return None
    system = machine.system_cudnn.get()
    if system is None:
        return None
    wheel = wheels[0]
    return RULE.finding(
        f"{wheel.name} {wheel.version} lacks {SUBLIBRARY}, and the system's cuDNN in {system.path} stands in",
        evidence=(
            Evidence(wheel.name, wheel.version, wheel.path),
            Evidence("cuDNN on the system", system.path, "loader"),
        ),
        cause="This wheel was published without one of its libraries; the loader finds another version's.",
        fix=Fix(
            "Take a newer wheel, or remove the system's copy",
            (f"python -m pip install --upgrade {wheel.name}",),
            reversible=True,
        ),
        verify="stackcheck doctor --only DN-04",
        subject=wheel.name,
    )


RULE = MachineRule(
    code="DN-04",
    reason="cudnn-mismatch",
    layer="cudnn",
    title="cuDNN wheel lacks a sub-library",
    explanation="As with DN-03 two versions are mixed, here without any LD_LIBRARY_PATH.",
    messages=("CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH",),
    source="pytorch/pytorch#185512, #188892",
    judge=judge,
)
