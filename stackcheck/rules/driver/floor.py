"""The oldest driver that starts an application of a CUDA release."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.model.fact import Known, Undecided, Unknown
from stackcheck.model.version import Version
from stackcheck.rules.rule import Situation

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["is_too_old"]

FIRST_MINOR_COMPATIBLE = 11
"""From CUDA 11 on any driver of the major runs every minor (minor-version compatibility)."""


@lru_cache(maxsize=256)
def _floor(cuda: Version, platform: str, knowledge: Knowledge) -> Version | None:
    return knowledge.driver_floor(cuda, platform)


def is_too_old(cuda: Version, situation: Situation) -> bool:
    """Tell whether the driver cannot start an application built with `cuda`.

    The CUDA version that the driver reports is asked first, since Windows, WSL and Jetson number drivers their own
    way; then its release against the floor. Raises `Undecided` where neither is known.
    """
    driver = situation.machine.driver
    reported = driver.cuda
    if isinstance(reported, Known):
        floor = Version(f"{cuda.major}.0") if cuda.major >= FIRST_MINOR_COMPATIBLE else cuda
        if reported.value < floor:
            return True
        if reported.value >= cuda or not isinstance(driver.release, Known):
            return False
    oldest = _floor(cuda, situation.platform, situation.knowledge)
    if oldest is None or situation.platform == "jetson":
        if isinstance(reported, Known):
            return False
        raise Undecided(
            reported if isinstance(reported, Unknown) else Unknown("is not reported", "driver")
        )
    release = driver.release.get()
    return release is not None and release < oldest
