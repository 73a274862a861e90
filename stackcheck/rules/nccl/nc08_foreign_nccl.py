"""NC-08: a foreign libnccl is loaded, or several are installed."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import environment_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the NCCL distributions: they own the same files."""
    environment = environment_of(situation.machine)
    found = [
        distribution
        for distribution in environment.distributions.get() or ()
        if distribution.name.startswith("nvidia-nccl-cu")
    ]
    if len({distribution.name for distribution in found}) < 2:
        return None
    names = " and ".join(f"{distribution.name} {distribution.version}" for distribution in found)
    pinned = {name for build in situation.builds for name in build.requires}
    extra = [entry.name for entry in found if entry.name not in pinned] or [found[0].name]
    kept = next((entry for entry in found if entry.name not in extra), found[-1])
    return RULE.finding(
        f"{names} are installed together and own the same libnccl.so.2",
        evidence=tuple(
            Evidence(distribution.name, distribution.version, distribution.path)
            for distribution in found
        ),
        cause="Both put their library into nvidia/nccl/lib; the last one installed wins.",
        fix=Fix(
            f"Remove {extra[0]} and reinstall {kept.name}, whose file went with it",
            (
                f"python -m pip uninstall -y {extra[0]}",
                f"python -m pip install --force-reinstall --no-deps {kept.name}=={kept.version}",
            ),
            reversible=True,
        ),
        verify="stackcheck doctor --only NC-08",
        severity="error" if len({entry.version for entry in found}) > 1 else "warning",
    )


RULE = MachineRule(
    code="NC-08",
    reason="co-install-conflict",
    layer="nccl",
    title="two NCCL packages in one environment",
    explanation="A framework needs the NCCL that it was built with, or newer. Two packages for two CUDA majors"
    " overwrite each other's library.",
    messages=(
        "libtorch_cuda.so: undefined symbol: ncclCommRegister",
        "undefined symbol: ncclMemFree",
    ),
    source="pytorch/pytorch#119932, #119072; NVIDIA/nccl#1180; rwth-i6/returnn#1802",
    judge=judge,
)
