"""PY-15: pynvml beside nvidia-ml-py."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import InvalidVersion, Version, parse_version
from stackcheck.rules.rule import MachineRule, Situation
from stackcheck.rules.scope import distributions_of

__all__ = ["RULE"]

FIRST_WRAPPER = Version("12")
"""From here on the distribution brings no module of its own and asks for nvidia-ml-py."""


def judge(situation: Situation) -> Finding | None:
    """Judge old releases of pynvml, whose own module takes the place of nvidia-ml-py's."""
    distributions = distributions_of(situation.machine)
    old, new = distributions.get("pynvml"), distributions.get("nvidia-ml-py")
    if old is None:
        return None
    try:
        if parse_version(old.version) >= FIRST_WRAPPER:
            return None
    except InvalidVersion:
        return None
    beside = f" beside nvidia-ml-py {new.version}" if new else ""
    return RULE.finding(
        f"pynvml {old.version} is installed{beside} and brings an old NVML binding",
        evidence=tuple(
            Evidence(entry.name, entry.version, entry.path) for entry in (old, new) if entry
        ),
        cause="The module `pynvml` is that of nvidia-ml-py; old releases of the distribution pynvml bundle a copy.",
        fix=Fix(
            "Uninstall it and install nvidia-ml-py anew",
            (
                "python -m pip uninstall -y pynvml",
                "python -m pip install --force-reinstall --no-deps nvidia-ml-py",
            ),
            reversible=True,
        ),
        verify="python -m pip show nvidia-ml-py",
        subject="pynvml",
    )


RULE = MachineRule(
    code="PY-15",
    reason="co-install-conflict",
    layer="python",
    severity="warning",
    title="pynvml beside nvidia-ml-py",
    explanation="Two distributions offer the module pynvml, and only one is NVIDIA's current one.",
    messages=("The pynvml package is deprecated. Please install nvidia-ml-py instead.",),
    source="mlco2/codecarbon#933; PufferAI/PufferLib#348; astral-sh/uv#11700",
    judge=judge,
)
