"""Findings: what a rule says, as data. Renderers word nothing that is not in here."""

from __future__ import annotations

from typing import Literal

from stackcheck.model.record import record

__all__ = ["Evidence", "Finding", "Fix", "Severity"]

Severity = Literal["error", "warning", "info"]


@record(frozen=True)
class Evidence:
    """One observation that a finding rests on."""

    what: str
    value: str
    source: str


@record(frozen=True)
class Fix:
    """What mends it. `commands` are shell lines to be read by a person; none is ever run without being asked for."""

    summary: str
    commands: tuple[str, ...] = ()
    needs_root: bool = False
    reversible: bool = False
    """Inside a user's environment and undoable: what `--fix` may offer."""


@record(frozen=True)
class Finding:
    """One thing that is wrong, or worth a warning.

    `title` is one sentence with the numbers compared; `cause` says why it is so; `consequences` are the codes and
    titles of findings that follow from this one.
    """

    code: str
    reason: str
    severity: Severity
    layer: str
    title: str
    evidence: tuple[Evidence, ...] = ()
    cause: str = ""
    fix: Fix = Fix("")
    verify: str = ""
    ruled_out: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    subject: str = ""
    """The build, GPU or package that it is about, where there is one."""
