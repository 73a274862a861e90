"""Facts in rules: looked up, searched, and shown as evidence with where they were seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from stackcheck.model.fact import Absent, Fact, Known
from stackcheck.model.finding import Evidence
from stackcheck.model.machine import Machine
from stackcheck.model.small_facts import FILES, LIMITS
from stackcheck.rules.scope import NotApplicable

__all__ = ["code_text", "file_of", "find_all", "limit_of", "observed", "variable_of"]

S = TypeVar("S")
T = TypeVar("T")


def observed(what: str, fact: Fact[T], show: Callable[[T], str] = str) -> Evidence:
    """Return a fact as one line of evidence; absence and ignorance are said as such."""
    if isinstance(fact, Known):
        return Evidence(what, show(fact.value), fact.source)
    if isinstance(fact, Absent):
        return Evidence(what, "absent", fact.source)
    return Evidence(what, f"unknown ({fact.reason})", fact.source)


def code_text(code: int) -> str:
    """Return a return code of NVML or CUDA in words."""
    return f"error {code}" if code else "success"


def find_all(
    items: Iterable[S], fact: Callable[[S], Fact[T]], is_wrong: Callable[[T], bool]
) -> list[S]:
    """Return the items whose fact is wrong. Where none is, every fact must be known: raises `Undecided`."""
    items = tuple(items)
    wrong = [
        item for item in items if isinstance(found := fact(item), Known) and is_wrong(found.value)
    ]
    if not wrong:
        for item in items:
            fact(item).get()
    return wrong


def limit_of(machine: Machine, name: str) -> Fact[int]:
    """Return a number of `Host.limits`. Raises `NotApplicable` where this probe does not look for it."""
    fact = machine.host.limits.get(name)
    if fact is None:
        raise NotApplicable(f"not looked at: {LIMITS[name]}")
    return fact


def file_of(machine: Machine, name: str) -> Fact[str]:
    """Return a text of `Host.files`, by its path or by its end below the home directory.

    Raises `NotApplicable` where this probe does not look for it.
    """
    files = machine.host.files
    if name in files:
        return files[name]
    for path, fact in files.items():
        if not name.startswith("/") and path.endswith(f"/{name}"):
            return fact
    raise NotApplicable(f"not looked at: {FILES[name]}")


def variable_of(machine: Machine, name: str) -> str | None:
    """Return an environment variable, None if it is not set. Raises `Undecided`."""
    return (machine.host.variables.get() or {}).get(name)
