"""Another build that would run where one does not: what a fix can name."""

from __future__ import annotations

from collections.abc import Iterator

from stackcheck.model.build import Build
from stackcheck.model.fact import Undecided
from stackcheck.model.finding import Fix
from stackcheck.rules.driver.coverage import find_gaps
from stackcheck.rules.driver.floor import is_too_old
from stackcheck.rules.driver.forward import carried_forward
from stackcheck.rules.python.py16_python_version import supports_python
from stackcheck.rules.rule import Situation

__all__ = ["find_alternative", "word_alternative"]


def find_alternative(build: Build, situation: Situation) -> Build | None:
    """Return a build with code for every GPU that the driver starts: of the same release, else the newest.

    None if there is none, or the situation asks for no advice.
    """
    if not situation.advise:
        return None
    rows = list(_similar(build, situation))
    rows.sort(key=lambda row: row.version == build.version, reverse=True)
    return next((row for row in rows if _runs(row, situation)), None)


def _similar(build: Build, situation: Situation) -> Iterator[Build]:
    """Run through the other GPU builds for the same platform and kind of installer, newest first."""
    conda = build.channel.startswith("conda")
    for row in situation.knowledge.builds(build.framework):
        same_kind = row.channel.startswith("conda") == conda
        if row.is_gpu and row.platform == build.platform and same_kind and not row.yanked:
            yield row


def _runs(row: Build, situation: Situation) -> bool:
    try:
        if row.cuda is None or find_gaps(row, situation):
            return False
        python = situation.python.peek()
        if python is not None and not supports_python(row, python):
            return False
        return not is_too_old(row.cuda, situation) or carried_forward(row.cuda, situation)
    except Undecided as undecided:
        return undecided.fact.unstated


def word_alternative(build: Build | None, otherwise: str) -> Fix:
    """Return the fix that names the build and its install command, or `otherwise` where there is none."""
    if build is None:
        return Fix(otherwise)
    commands = (build.install,) if build.install else ()
    return Fix(
        f"{build.label} has code for every GPU here and this driver runs it",
        commands,
        reversible=True,
    )
