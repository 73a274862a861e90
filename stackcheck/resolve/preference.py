"""Which of several builds that all run is the better one."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from stackcheck.model.build import Build
from stackcheck.model.version import Version
from stackcheck.resolve.wishes import Wishes

__all__ = ["PYTHONS", "SETTLED_DAYS", "contemporaries", "rank_builds", "rank_pythons"]

SETTLED_DAYS = 60
"""`--prefer stable`: releases younger than this, seen from the knowledge's date, come after all settled ones."""

PYTHONS = ("3.12", "3.13", "3.11", "3.14", "3.10", "3.9", "3.8", "3.7", "3.6", "3.5", "2.7", "3.15")
"""Tried in this order where nobody asked for one: what most packages have wheels for comes first."""

_RELEASES = {
    "3.6": (2016, 12),
    "3.7": (2018, 6),
    "3.8": (2019, 10),
    "3.9": (2020, 10),
    "3.10": (2021, 10),
    "3.11": (2022, 10),
    "3.12": (2023, 10),
    "3.13": (2024, 10),
    "3.14": (2025, 10),
}
"""Year and month of each Python's first release (PEPs 494, 537, 569, 596, 619, 664, 693, 719, 745)."""

_CHANNELS = ("pypi", "pytorch", "paddle", "jax", "conda-forge")


def rank_builds(
    builds: Iterable[Build],
    wishes: Wishes,
    as_of: datetime.date,
    driver_cuda: Version | None,
    *,
    need_gpu: bool,
) -> list[Build]:
    """Return builds best first: release, then what needs no minor-version compatibility, then the newest CUDA.

    Of the same CUDA, what brings its libraries comes before what looks for them on the machine.
    Without a GPU the CPU build of a release comes before its GPU builds.
    """

    def quality(build: Build) -> tuple[object, ...]:
        settled = wishes.prefer != "stable" or _age_days(build, as_of) >= SETTLED_DAYS
        native = build.cuda is None or driver_cuda is None or build.cuda <= driver_cuda
        channel = (
            len(_CHANNELS) - _CHANNELS.index(build.channel) if build.channel in _CHANNELS else 0
        )
        return (
            settled,
            not build.version.is_prerelease,
            build.version,
            build.is_gpu == need_gpu,
            native,
            build.cuda or Version("0"),
            build.cuda_linkage != "system" and not build.from_source,
            build.default,
            channel,
        )

    return sorted(builds, key=quality, reverse=True)


def rank_pythons(pythons: Iterable[str], wishes: Wishes) -> list[str]:
    """Return Python minor versions best first: those wished for, then `PYTHONS`."""
    order = [*wishes.pythons, *PYTHONS]
    return sorted(
        pythons, key=lambda python: order.index(python) if python in order else len(order)
    )


def contemporaries(pythons: Iterable[str], date: str) -> list[str]:
    """Return the Pythons with those first that were half a year old at a date (YYYY-MM-DD).

    For a Python that came later the dependencies of the time have no wheels, and some no longer compile.
    """
    year, month = int(date[:4]), int(date[5:7])

    def came_later(python: str) -> bool:
        released = _RELEASES.get(python)
        return released is not None and (released[0] * 12 + released[1] + 6) > (year * 12 + month)

    return sorted(pythons, key=came_later)


def _age_days(build: Build, as_of: datetime.date) -> int:
    if not build.released:
        return SETTLED_DAYS
    try:
        return (as_of - datetime.date.fromisoformat(build.released[:10])).days
    except ValueError:  # some rows know the month only
        return SETTLED_DAYS
