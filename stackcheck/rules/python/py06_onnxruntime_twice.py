"""PY-06: onnxruntime beside onnxruntime-gpu."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import distributions_of

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge the two distributions."""
    distributions = distributions_of(situation.machine)
    plain, gpu = distributions.get("onnxruntime"), distributions.get("onnxruntime-gpu")
    if plain is None or gpu is None:
        return None
    return RULE.finding(
        f"onnxruntime {plain.version} and onnxruntime-gpu {gpu.version} are installed together",
        evidence=tuple(Evidence(entry.name, entry.version, entry.path) for entry in (plain, gpu)),
        cause="Both own the package `onnxruntime`; the one installed last wins, and a dependency brought the CPU one.",
        fix=Fix(
            "Uninstall both, install the GPU one",
            (
                "python -m pip uninstall -y onnxruntime onnxruntime-gpu",
                f"python -m pip install onnxruntime-gpu=={gpu.version}",
            ),
            reversible=True,
        ),
        verify="python -c 'import onnxruntime; print(onnxruntime.get_available_providers())'",
        subject="onnxruntime-gpu",
    )


RULE = MachineRule(
    code="PY-06",
    reason="co-install-conflict",
    layer="python",
    title="onnxruntime beside onnxruntime-gpu",
    explanation="Two distributions with one import package overwrite each other's files.",
    messages=("Specified provider 'CUDAExecutionProvider' is not in available provider names.",),
    source="microsoft/onnxruntime#26996, #3326",
    judge=judge,
)
