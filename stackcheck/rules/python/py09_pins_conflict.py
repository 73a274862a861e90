"""PY-09: two builds pin one component to versions that exclude each other."""

from __future__ import annotations

from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.specifier import admits
from stackcheck.model.version import parse_version
from stackcheck.rules.rule import SetRule, Situation

__all__ = ["RULE", "excludes"]


def excludes(left: str, right: str) -> bool:
    """Tell whether two specifiers cannot both hold, as far as exact pins tell."""
    for pin, other in ((left, right), (right, left)):
        if pin.startswith("==") and "*" not in pin and "," not in pin:
            return not admits(other, parse_version(pin[2:]))
    return False


def judge(situation: Situation) -> Finding | None:
    """Judge the pins of every pair of builds, and of the packages beside them."""
    builds = situation.builds
    for position, left in enumerate(builds):
        for right in builds[position + 1 :]:
            if left.framework == right.framework:
                continue
            for name in left.requires.keys() & right.requires.keys():
                if excludes(left.requires[name], right.requires[name]):
                    return _conflict(
                        name, (left.label, left.requires[name]), (right.label, right.requires[name])
                    )
    versions = {**situation.packages, **{build.distribution: build.version for build in builds}}
    for build in builds:
        needs = {**build.requires, **({"protobuf": build.protobuf} if build.protobuf else {})}
        for name, specifier in needs.items():
            version = versions.get(name)
            if version is not None and not admits(specifier, version):
                return _conflict(
                    name, (build.label, specifier), ("the environment", f"=={version}")
                )
    return None


def _conflict(name: str, left: tuple[str, str], right: tuple[str, str]) -> Finding:
    return RULE.finding(
        f"{left[0]} needs {name}{left[1]}, {right[0]} {name}{right[1]}",
        evidence=(
            Evidence(left[0], f"{name}{left[1]}", "metadata"),
            Evidence(right[0], f"{name}{right[1]}", "metadata"),
        ),
        cause="Frameworks pin the CUDA components that they were built with.",
        fix=Fix(
            "One environment per framework, or releases of both that agree: `stackcheck resolve` finds them"
        ),
        subject=name,
    )


RULE = SetRule(
    code="PY-09",
    reason="co-install-conflict",
    layer="python",
    title="two frameworks pin different CUDA components",
    explanation="torch pins its CUDA components exactly, TensorFlow's extra exactly or by range, JAX by range. Two that"
    " were built with different CUDA minors often exclude each other.",
    messages=(
        "torch requires nvidia-cudnn-cu12==9.1.0.70, but you have nvidia-cudnn-cu12 9.3.0 which is incompatible.",
    ),
    source="pytorch/pytorch#97990; young-geng/EasyLM#92; rocker-org/ml#34",
    judge=judge,
)
