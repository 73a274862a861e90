"""PY-05: several distributions of one framework, which own the same import package."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.rules.rule import SetRule, Situation

__all__ = ["RULE"]


def judge(situation: Situation) -> Finding | None:
    """Judge whether two builds of one framework are to live in one environment."""
    distributions: dict[str, set[str]] = {}
    for build in situation.builds:
        distributions.setdefault(build.framework, set()).add(build.distribution)
    for name in situation.packages:
        known = situation.knowledge.name(name)
        if known is not None and known.framework in distributions:
            distributions[known.framework].add(name)
    for framework, names in distributions.items():
        if len(names) > 1:
            listed = ", ".join(sorted(names))
            return RULE.finding(
                f"{listed} are in one environment and all own the package of {framework}",
                evidence=tuple(
                    Evidence(name, "installed or asked for", "packages") for name in sorted(names)
                ),
                cause="Each overwrites files of the others; removing one breaks the rest.",
                fix=Fix(
                    "Uninstall all of them, then install the one that fits",
                    (f"python -m pip uninstall -y {' '.join(sorted(names))}",),
                    reversible=True,
                ),
                subject=framework,
            )
    return None


RULE = SetRule(
    code="PY-05",
    reason="co-install-conflict",
    layer="python",
    title="several distributions of one framework",
    explanation="cupy-cuda12x and cupy-cuda13x, tensorflow and tensorflow-gpu, mxnet and mxnet-cu112 install the same"
    " directory.",
    messages=(
        "CuPy may not function correctly because multiple CuPy packages are installed in your environment",
    ),
    source="cupy/cupy: cupy/_environment.py; gpustack/gpustack#5459",
    judge=judge,
)
