"""Entries for rules that the messages do not know: of other distributions, and new ones."""

from __future__ import annotations

from collections.abc import Iterator

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.explain.entry import Entry
from stackcheck.diagnose.third_party import load_third_party_rules
from stackcheck.rules.rule import Rule

__all__ = ["all_rules", "entry_of"]


def all_rules() -> Iterator[Rule]:
    """Yield our rules, then those that other distributions offer; offers that fail are left out."""
    own = own_rules()
    yield from own
    yield from load_third_party_rules({rule.code for rule in own})[0]


def entry_of(rule: Rule) -> Entry:
    """Return what can be said of a code from its rule alone; the finding tells the fix with its numbers."""
    command = f"`stackcheck doctor --only {rule.code}`"
    return Entry(
        code=rule.code,
        reason=rule.reason,
        title=rule.title,
        why=rule.explanation,
        confirm=command,
        fix=f"The finding of {command} names it",
        source=rule.source,
    )
