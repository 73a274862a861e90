"""The comment at the head of every written file: what it holds, and the machine it needs."""

from __future__ import annotations

from stackcheck.model.plan import Plan

__all__ = ["cuda_override", "describe", "header"]


def describe(plan: Plan) -> str:
    """Return the builds and the Python of a plan in one line."""
    builds = ", ".join(build.label for build in plan.builds)
    return f"{builds}, Python {plan.python}"


def cuda_override(plan: Plan) -> str:
    """Return the CUDA version to tell a conda solver on a machine without the GPU; empty for a CPU plan.

    That of the driver it is for where it is known, else the plan's own CUDA, the least that can be right.
    """
    if plan.cuda is None:
        return ""
    version = plan.driver_cuda or plan.cuda
    return f"{version.major}.{version.minor}"


def header(plan: Plan, *usage: str, mark: str = "#") -> str:
    """Return the comment block: builds, the machine's needs, how to use the file.

    It names no date and no version of ours: the same plan must give the same bytes.
    """
    lines = [describe(plan), "Written by StackCheck; the same plan gives the same file."]
    needs = list(plan.machine)
    if plan.capabilities:
        shown = ", ".join(str(capability) for capability in plan.capabilities)
        needs.append(f"compute capability {shown}")
    lines += ["Machine:", *(f"  {need}" for need in needs)] if needs else []
    lines += usage
    return "".join(f"{mark} {line}\n" for line in lines)
