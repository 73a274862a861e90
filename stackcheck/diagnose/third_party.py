"""Rules of other distributions, through the entry point group `stackcheck.rules`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection
from pathlib import Path

from stackcheck.model.diagnosis import Check
from stackcheck.rules.rule import BuildRule, MachineRule, Rule, SetRule

__all__ = ["GROUP", "load_third_party_rules"]

GROUP = "stackcheck.rules"


def load_third_party_rules(taken: Collection[str]) -> tuple[tuple[Rule, ...], tuple[Check, ...]]:
    """Return the rules that installed distributions offer, and a check for each offer that failed.

    An entry point gives a rule or a sequence of rules. A code in `taken` is refused, so that no plugin replaces a rule
    of ours unseen.
    """
    if not any(_offers_rules(Path(directory)) for directory in sys.path):
        return (), ()
    from importlib.metadata import entry_points

    rules: list[Rule] = []
    failed: list[Check] = []
    codes = set(taken)
    for point in entry_points(group=GROUP):
        try:
            offered = point.load()
            offered = (offered,) if isinstance(offered, Rule) else tuple(offered)
            for rule in offered:
                _admit(rule, codes)
            rules += offered
            codes.update(rule.code for rule in offered)
        except Exception as error:  # noqa: BLE001 (whatever a plugin does, it is reported and the rest goes on)
            note = f"entry point {point.value} cannot be used: {type(error).__name__}: {error}"
            failed.append(
                Check(point.name, "crashed", 0.0, note=note, traceback=traceback.format_exc())
            )
    return tuple(rules), tuple(failed)


def _offers_rules(directory: Path) -> bool:
    """Tell whether a distribution in a directory of the path offers rules.

    Hardly any does, and importing importlib.metadata to learn that takes longer than running every rule.
    """
    if directory.is_file():
        return True  # a zipped path: left to importlib.metadata
    for offer in directory.glob("*-info/entry_points.txt"):
        try:
            if f"[{GROUP}]" in offer.read_text(encoding="utf-8"):
                return True
        except (OSError, UnicodeDecodeError):
            continue
    return False


def _admit(rule: object, codes: Collection[str]) -> None:
    if not isinstance(rule, MachineRule | BuildRule | SetRule):
        raise TypeError(f"{rule!r} is no rule")
    if rule.code in codes:
        raise ValueError(f"the code {rule.code} is taken")
