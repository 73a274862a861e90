"""DN-01: TensorFlow does not find cuDNN and its neighbours."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.observation import observed
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, environment_of, require_gpu

__all__ = ["RULE"]

FIRST_EXTRA = Version("2.14")
"""First release whose `and-cuda` extra brings the libraries."""


def judge(situation: Situation) -> Finding | None:
    """Judge a GPU build of TensorFlow for cuDNN in the environment or on the system."""
    machine = situation.machine
    require_gpu(machine)
    builds = [
        build
        for build in situation.builds
        if build.framework == "tensorflow"
        and build.cuda is not None
        and build.channel != "conda-forge"
        and build.version >= FIRST_EXTRA
    ]
    if not builds:
        raise NotApplicable("no GPU build of TensorFlow 2.14 or later is installed")
    environment = environment_of(machine)
    names = {distribution.name for distribution in environment.distributions.get() or ()}
    if any(name.startswith("nvidia-cudnn") or name == "cudnn" for name in names):
        return None
    if machine.system_cudnn.get() is not None:
        return None
    build = builds[0]
    return RULE.finding(
        f"{build.label} is installed without its CUDA libraries: no cuDNN in the environment or on the system",
        evidence=(
            Evidence("nvidia-cudnn packages", "none", environment.prefix),
            observed("cuDNN on the system", machine.system_cudnn, lambda found: found.path),
        ),
        cause="TensorFlow's wheel opens CUDA's libraries at run time and brings none; the extra `and-cuda` does.",
        fix=Fix(
            "Install it with the extra; no system toolkit is needed",
            (f"python -m pip install 'tensorflow[and-cuda]=={build.version}'",),
            reversible=True,
        ),
        verify="stackcheck doctor --only DN-01",
        subject=build.label,
    )


RULE = MachineRule(
    code="DN-01",
    reason="cudnn-mismatch",
    layer="cudnn",
    title="TensorFlow without its CUDA libraries",
    explanation="TensorFlow skips the GPU when one of the libraries that it opens is missing, and does not say which.",
    messages=("Cannot dlopen some GPU libraries. ... Skipping registering GPU devices...",),
    source="tensorflow/tensorflow#60646, #65035, #110956",
    judge=judge,
)
