"""Facts as evidence, so that a report shows what was seen and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from stackcheck.model.fact import Absent, Fact, Known
from stackcheck.model.finding import Evidence

__all__ = ["observed"]

T = TypeVar("T")


def observed(what: str, fact: Fact[T], show: Callable[[T], str] = str) -> Evidence:
    """Return a fact as one line of evidence; absence and ignorance are said as such."""
    if isinstance(fact, Known):
        return Evidence(what, show(fact.value), fact.source)
    if isinstance(fact, Absent):
        return Evidence(what, "absent", fact.source)
    return Evidence(what, f"unknown ({fact.reason})", fact.source)
