"""The search told step by step, for `--explain`: a reporter, so that the search itself prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resolvelib import BaseReporter

from stackcheck.resolve.search import Choice, Demand

__all__ = ["Narrator"]


class Narrator(BaseReporter[Demand, Choice, str]):  # type: ignore[misc]
    """Words what the solver does, one line a step."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def adding_requirement(self, requirement: Demand, parent: Choice | None) -> None:
        """Tell what is asked for, and by whom."""
        who = parent.label if parent is not None else "the request"
        self.say(f"{who} asks for {requirement.name}: {requirement.text}")

    def pinning(self, candidate: Choice) -> None:
        """Tell what was chosen."""
        self.say(f"  take {candidate.name}: {candidate.label}")

    def rejecting_candidate(self, criterion: Any, candidate: Choice) -> None:
        """Tell what was given up, and for whom."""
        parents = {info.parent.label for info in criterion.information if info.parent is not None}
        self.say(
            f"  give up {candidate.label}: it disagrees with {', '.join(sorted(parents)) or 'the request'}"
        )

    def resolving_conflicts(self, causes: Any) -> None:
        """Tell that the search goes back."""
        self.say(
            f"  back: {'; '.join(sorted({cause.requirement.name for cause in causes}))} cannot all hold"
        )
