"""Wheels whose local version names the torch and the CUDA that they were compiled for."""

from __future__ import annotations

import re

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.version import Version
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["judge_local_versions"]

_TORCH = re.compile(r"(?:pt|torch)(\d)\.?(\d+)")
"""`2.8.3+cu12torch2.8cxx11abitrue` (flash-attn, mamba-ssm, causal-conv1d), `2.1.2+pt28cu128` (PyTorch Geometric)."""
_CUDA = re.compile(r"cu(\d\d)")


def judge_local_versions(rule: BuildRule, build: Build, situation: Situation) -> Finding | None:
    """Judge what stands beside PyTorch and says in its version what it was compiled for."""
    if build.framework != "pytorch":
        return None
    for name, version in situation.packages.items():
        torch = _TORCH.search(version.local or "") if version is not None else None
        if version is not None and torch is not None:
            release = (int(torch[1]), int(torch[2]))
            finding = _judge(rule, f"{name} {version}", version, release, build)
            if finding is not None:
                return finding
    return None


def _judge(
    rule: BuildRule, subject: str, version: Version, release: tuple[int, int], build: Build
) -> Finding | None:
    cuda = _CUDA.search(version.local or "")
    is_cuda = cuda is None or build.cuda is None or build.cuda.major == int(cuda[1])
    if is_cuda and build.version.release[:2] == release:
        return None
    wanted = f"torch {release[0]}.{release[1]}" + (f" and CUDA {cuda[1]}" if cuda else "")
    name = subject.partition(" ")[0]
    return rule.finding(
        f"{subject} is beside {build.label} and was compiled for {wanted}",
        evidence=(
            Evidence(subject, wanted, "its own version"),
            Evidence(build.distribution, build.label, "installed or asked for"),
        ),
        cause="What is compiled against a framework fits only what it was compiled for: another one lacks its symbols.",
        fix=Fix(f"Use the wheel of {name} for torch {build.version}, or compile it there"),
        subject=subject,
    )
