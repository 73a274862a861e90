"""What `stackcheck explain` makes of a failure's text, in one line."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from stackcheck.smoke.prerequisites import name_missing

if TYPE_CHECKING:
    from stackcheck.diagnose.explain.entry import Catalogue
    from stackcheck.diagnose.explain.lifetimes import Lifetimes

__all__ = ["explain_failure"]

_TELLING = 4.0
"""Score of a message that its cause may print; below that words merely hint at it."""
_CRASH = re.compile(r"the process was killed by SIG(?!KILL)\w+")
"""The runner's own words for a crash, which are not those of a kernel that ends what takes too much memory."""


@cache
def _known() -> tuple[Catalogue, Lifetimes]:
    from stackcheck.diagnose.explain.entry import Catalogue
    from stackcheck.diagnose.explain.lifetimes import lifetimes_of
    from stackcheck.knowledge.knowledge import load
    from stackcheck.knowledge.source import shipped

    return Catalogue(shipped() / "messages"), lifetimes_of(load())


def explain_failure(text: str) -> str:
    """Return what is missing, or the likeliest cause with its code and fix; empty where nothing is known."""
    if missing := name_missing(text):
        return missing
    from stackcheck.diagnose.explain.ranking import explain

    causes = explain(_CRASH.sub("", text), *_known())
    if not causes or causes[0].score < _TELLING:
        return ""
    entry = causes[0].entry
    return f"{entry.code} {entry.title}: {entry.fix}"
