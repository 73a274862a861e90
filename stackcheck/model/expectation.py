"""What a machine is expected to be, where somebody wrote it down: ranges and states, not another machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from stackcheck.model.record import record

__all__ = ["Expectation"]


@record(frozen=True)
class Expectation:
    """What was written; None is not written, and nothing is expected of it. Ranges are version specifiers."""

    source: str
    driver: str | None = None
    cuda: str | None = None
    """Of the CUDA driver version."""
    glibc: str | None = None
    kernel: str | None = None
    """The release, word for word."""
    gpus: int | None = None
    """How many there are."""
    gpu: str | None = None
    """What the name of each holds, in any case: `H100`."""
    ecc: bool | None = None
    mig: bool | None = None
    persistence: bool | None = None
    frameworks: Mapping[str, str] = field(default_factory=dict)
    """Framework to the range of its version."""
