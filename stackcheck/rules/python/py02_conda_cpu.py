"""PY-02: conda solved for the CPU because the solving machine had no driver."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import NotApplicable, distributions_of, require_gpu

__all__ = ["RULE"]

FRAMEWORKS = {"torch", "pytorch", "libtorch", "tensorflow", "jaxlib", "cupy", "mxnet"}


def judge(situation: Situation) -> Finding | None:
    """Judge conda's build strings of frameworks."""
    machine = situation.machine
    require_gpu(machine)
    packages = [
        distribution
        for distribution in distributions_of(machine).values()
        if distribution.name in FRAMEWORKS and distribution.conda_build.peek()
    ]
    if not packages:
        raise NotApplicable("no framework from conda is installed")
    by_cpu = [entry for entry in packages if (entry.conda_build.peek() or "").startswith("cpu")]
    if not by_cpu:
        return None
    package = by_cpu[0]
    cuda = machine.driver.cuda.peek()
    return RULE.finding(
        f"conda chose {package.name} {package.version}, build {package.conda_build.peek()}: a CPU build",
        evidence=tuple(
            Evidence(entry.name, f"{entry.version} {entry.conda_build.peek()}", entry.path)
            for entry in by_cpu
        ),
        cause="conda takes GPU builds only where it sees the virtual package __cuda: the environment was solved on a"
        " machine, or in an image build, without a driver.",
        fix=Fix(
            "Solve again and tell conda the driver's CUDA",
            (f"CONDA_OVERRIDE_CUDA={cuda or '12.9'} conda install '{package.name}=*=cuda*'",),
            reversible=True,
        ),
        verify=f"conda list {package.name}",
        subject=package.name,
    )


RULE = MachineRule(
    code="PY-02",
    reason="cpu-only-build-installed",
    layer="python",
    title="conda solved for CPU",
    explanation="conda's solver decides by virtual packages of the machine that it runs on. Image builds and login"
    " nodes have no driver.",
    messages=("__cuda =* *, which is missing on the system",),
    source="conda-forge/pytorch-cpu-feedstock#364; conda/conda#14761",
    judge=judge,
    follows=("PY-01",),
)
