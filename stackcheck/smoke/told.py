"""What a program tells of one job, whichever interpreter it ran in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Told", "first_words", "load_arrays", "read_told"]


@dataclass(frozen=True)
class Told:
    """One job's answer; `failed` says why where there is none."""

    job: str
    failed: str = ""
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    step_seconds: float | None = None
    """Median of a step, the first left out."""
    inference_seconds: float | None = None
    accuracy: float | None = None
    memory_bytes: int | None = None
    """The most that the job held: of the GPU where it ran on one, else of the process."""
    placement: str = ""
    libraries: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


def read_told(content: Mapping[str, Any]) -> Told:
    """Read a line of the protocol; what it has beyond the fields is left out."""
    known = {field.name for field in fields(Told)}
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.items()
        if name in known
    }
    return Told(**told)


def first_words(text: str) -> str:
    """Return the first line of a failure, with the next where it only announces it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "no message"
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def load_arrays(folder: Path, output: str, job: str) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays that a job left."""
    with np.load(folder / f"{output}.{job}.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}
