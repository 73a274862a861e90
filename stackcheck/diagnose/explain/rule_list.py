"""The rule reference: every rule there is, and every known fault that no rule can see from here, with the reason."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from stackcheck.diagnose.explain.of_rules import all_rules
from stackcheck.model.record import record
from stackcheck.rules.layer import LAYERS, layer_of
from stackcheck.rules.reference import UNSEEN

__all__ = ["Listed", "list_rules", "word_rules"]


@record(frozen=True)
class Listed:
    """One line of the reference. `unseen` says why no rule can see it; empty where one does."""

    code: str
    layer: str
    reason: str
    severity: str
    title: str
    unseen: str = ""


def list_rules() -> list[Listed]:
    """Return every rule and every entry without one, in the order of the stack's layers."""
    rules = [
        Listed(rule.code, rule.layer, rule.reason, rule.severity, rule.title)
        for rule in all_rules()
    ]
    unseen = [
        Listed(entry.code, entry.layer, entry.reason, "", entry.title, entry.why)
        for entry in UNSEEN
    ]
    place = {layer.name: number for number, layer in enumerate(LAYERS)}
    return sorted(
        (*rules, *unseen), key=lambda each: (place.get(each.layer, len(place)), each.code)
    )


def word_rules(listed: Sequence[Listed], width: int) -> Iterator[str]:
    """Word the reference, a paragraph a layer."""
    for code, entries in groupby(listed, key=lambda each: each.code.partition("-")[0]):
        layer = layer_of(code)
        yield f"{layer.label} ({layer.name})"
        for each in entries:
            how = each.severity or "cannot be seen from here"
            head = f"  {each.code}  "
            told = f"{each.title} [{how}]" + (f": {each.unseen}" if each.unseen else "")
            yield from textwrap.wrap(
                told, width, initial_indent=head, subsequent_indent=" " * len(head)
            )
        yield ""
