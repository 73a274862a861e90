"""The answer of `resolve`, as text and as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stackcheck.model.build import Build
from stackcheck.model.plan import Plan, Resolution
from stackcheck.render.verdict import violation_document

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.environments.index_check import IndexCheck

__all__ = [
    "index_document",
    "plan_document",
    "print_index_check",
    "print_resolution",
    "resolution_document",
]

_SHOWN = 8
"""Runners-up that the text shows; the document has all."""


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan in the form of the contract."""
    return {
        "python": plan.python,
        "cuda": str(plan.cuda) if plan.cuda else None,
        "cudnn": str(plan.cudnn) if plan.cudnn else None,
        "nccl": str(plan.nccl) if plan.nccl else None,
        "platform": plan.platform,
        "builds": [_build_document(build) for build in plan.builds],
        "packages": dict(plan.packages),
        "machine": list(plan.machine),
        "exclude_newer": plan.exclude_newer or None,
    }


def _build_document(build: Build) -> dict[str, Any]:
    return {
        "framework": build.framework,
        "version": str(build.version),
        "build": build.build,
        "channel": build.channel,
        "distribution": build.distribution,
        "cuda": str(build.cuda) if build.cuda else None,
        "architectures": [str(each) for each in build.architectures or ()],
        "install": build.install,
        "evidence": [
            {"kind": row.kind, "source": row.source, "checked": row.checked}
            for row in build.evidence
        ],
    }


def resolution_document(resolution: Resolution) -> Mapping[str, Any]:
    """Return the answer in the form of the contract."""
    return {
        "status": resolution.status,
        "plan": plan_document(resolution.plan) if resolution.plan else None,
        "rejected": [
            {"build": each.build, "code": each.code, "reason": each.reason, "message": each.message}
            for each in resolution.rejected
        ],
        "unlocks": [
            {"change": each.change, "gains": list(each.gains)} for each in resolution.unlocks
        ],
        "assumed": list(resolution.assumed),
        "causes": list(resolution.causes),
        "warnings": [violation_document(finding) for finding in resolution.warnings],
    }


def print_resolution(resolution: Resolution, console: Console) -> None:
    """Print the answer for people: the plan and how to install it, else the causes; then what ruled out the rest."""
    plan = resolution.plan
    if plan is None:
        colour = "red" if resolution.status == "impossible" else "yellow"
        console.print(f"[{colour}]{resolution.status}[/{colour}]")
        for cause in resolution.causes:
            console.print(f"  {cause}", markup=False)
    else:
        _print_plan(plan, console)
    if resolution.rejected:
        console.print("ruled out:", markup=False)
        for each in resolution.rejected[:_SHOWN]:
            console.print(f"  {each.code}  {each.message}", markup=False)
        if len(resolution.rejected) > _SHOWN:
            console.print(
                f"  ... and {len(resolution.rejected) - _SHOWN} more (--json lists them)",
                markup=False,
            )
    for unlock in resolution.unlocks:
        console.print(f"[cyan]{unlock.change}[/cyan] would allow: {', '.join(unlock.gains)}")
    if resolution.assumed:
        console.print(
            f"assumed, since nobody said otherwise: {'; '.join(resolution.assumed)}", markup=False
        )


def _print_plan(plan: Plan, console: Console) -> None:
    for build in plan.builds:
        console.print(
            f"[green]{build.label}[/green]  from {build.channel}, released {build.released or 'unknown'}"
        )
        if build.install:
            console.print(f"    {build.install}", markup=False)
    stack = [f"Python {plan.python}", *([f"CUDA {plan.cuda}"] if plan.cuda else [])]
    stack += [f"cuDNN {plan.cudnn}"] if plan.cudnn else []
    stack += [f"NCCL {plan.nccl}"] if plan.nccl else []
    console.print(", ".join(stack), markup=False)
    for name, specifier in plan.packages.items():
        console.print(f"  hold {name}{specifier}", markup=False)
    for need in plan.machine:
        console.print(f"  needs: {need}", markup=False)


def index_document(checked: IndexCheck | None) -> Mapping[str, Any]:
    """Return what the package index made of the plan; empty if it was not asked."""
    if checked is None:
        return {}
    return {
        "index": {
            "status": checked.status,
            "differences": list(checked.differences),
            "message": checked.message or None,
            "pins": list(checked.pins),
        }
    }


def print_index_check(checked: IndexCheck | None, console: Console) -> None:
    """Print what the package index made of the plan."""
    if checked is None:
        return
    console.print(f"package index: {checked.status}, {len(checked.pins)} packages", markup=False)
    for difference in checked.differences:
        console.print(f"  {difference}", markup=False)
    if checked.message:
        console.print(f"  {checked.message}", markup=False)
