"""Which rules `--only` and `--skip` leave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcheck.errors import InputError
from stackcheck.rules.layer import LAYERS
from stackcheck.rules.rule import Rule

__all__ = ["select_rules"]


def select_rules(
    rules: Sequence[Rule], *, only: Iterable[str] = (), skip: Iterable[str] = ()
) -> tuple[Rule, ...]:
    """Return the rules whose code or layer starts with one of `only` and with none of `skip`.

    Raises `InputError` for every pattern that matches nothing, and where nothing is left to judge.
    """
    only, skip = tuple(only), tuple(skip)
    faults = [
        f"{option} {pattern}: no rule has a code or layer that starts so; layers are "
        + ", ".join(layer.name for layer in LAYERS)
        for option, patterns in (("--only", only), ("--skip", skip))
        for pattern in patterns
        if not any(_matches(rule, pattern) for rule in rules)
    ]
    if faults:
        raise InputError(*faults)
    chosen = tuple(
        rule
        for rule in rules
        if (not only or any(_matches(rule, pattern) for pattern in only))
        and not any(_matches(rule, pattern) for pattern in skip)
    )
    if not chosen:
        raise InputError("--only and --skip together leave no rule: nothing would be judged")
    return chosen


def _matches(rule: Rule, pattern: str) -> bool:
    return bool(pattern) and (
        rule.code.upper().startswith(pattern.upper())
        or rule.layer.lower().startswith(pattern.lower())
    )
