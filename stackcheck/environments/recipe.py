"""What every writer and installer is handed: a plan, its packages, and what the environment is called."""

from __future__ import annotations

from dataclasses import dataclass

from stackcheck.environments.packages import PackageSet
from stackcheck.model.plan import Plan

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """One environment to be made."""

    plan: Plan
    packages: PackageSet
    name: str
    prefix: str = ""
    """Absolute path that it lives at; empty where only files are written."""
