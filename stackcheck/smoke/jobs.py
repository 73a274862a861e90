"""What the engine and a framework both do, so that it can be compared: models, first weights, batches, rates.

A job lies in a folder as `<name>.npz` (batches, first weights, held-out questions) and is described by an entry of the
request that `payload/train_protocol.py` documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from stackcheck.smoke.digits import load_digits
from stackcheck.smoke.sequences import COPY_SYMBOLS, make_additions, make_copies

__all__ = [
    "LARGE",
    "MOMENTUM",
    "SMALL",
    "Job",
    "Size",
    "make_batches",
    "make_weights",
    "write_job",
    "write_trace",
]

_Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]

MOMENTUM = 0.9
_RATES = {"mlp": 0.05, "cnn": 0.05, "rnn": 0.2, "transformer": 0.1}
"""Of SGD, by task: large enough that fifty steps get somewhere, small enough that rounding does not grow."""
_BITS = 12
"""Length of the binary numbers to add."""
_LENGTH = 8
"""Symbols to copy."""
_ASKED_FROM = {"transformer": _LENGTH}
_HELD_OUT = 128
_SALT = {"record": 50, "pace": 51}


@dataclass(frozen=True)
class Size:
    """How large the models are: rows of a batch, units of the MLP, filters, units of the LSTM, width and heads."""

    batch: int
    units: int
    filters: int
    cells: int
    width: int
    heads: int


SMALL = Size(32, 32, 8, 16, 16, 2)
"""For comparing numbers: rounding stays small over fifty steps."""
LARGE = Size(64, 1024, 32, 128, 128, 4)
"""For comparing times: the work is more than its overhead."""


@dataclass(frozen=True)
class Job:
    """One entry of `jobs` in the request."""

    name: str
    task: str
    kind: Literal["record", "pace", "trace"]
    rate: float
    heads: int
    asked_from: int

    def describe(self) -> dict[str, Any]:
        """Return the entry."""
        return asdict(self)


def make_weights(task: str, size: Size, random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
    """Make first weights by their canonical names: uniform within 1 / sqrt(inputs), as PyTorch does."""

    def draw(*shape: int, inputs: int) -> npt.NDArray[np.float32]:
        drawn = random.uniform(-1, 1, shape) / np.sqrt(inputs)
        return np.asarray(drawn, np.float32)

    weights: dict[str, npt.NDArray[Any]] = {}
    for name, shape in _shapes(task, size).items():
        inputs = int(np.prod(shape[1:]))
        weights[f"{name}.weight"] = draw(*shape, inputs=inputs)
        weights[f"{name}.bias"] = draw(shape[0], inputs=inputs)
    if task == "rnn":
        weights["lstm.weight_ih"] = draw(4 * size.cells, 2, inputs=size.cells)
        weights["lstm.weight_hh"] = draw(4 * size.cells, size.cells, inputs=size.cells)
        weights["lstm.bias"] = draw(4 * size.cells, inputs=size.cells)
    if task == "transformer":
        weights["tokens"] = draw(COPY_SYMBOLS + 1, size.width, inputs=1)
        weights["positions"] = draw(2 * _LENGTH, size.width, inputs=4)
        for name in ("norm1", "norm2", "norm"):
            weights[f"{name}.weight"] = np.ones(size.width, np.float32)
            weights[f"{name}.bias"] = np.zeros(size.width, np.float32)
    return weights


def _shapes(task: str, size: Size) -> Mapping[str, tuple[int, ...]]:
    filters, width = size.filters, size.width
    match task:
        case "mlp":
            return {"fc1": (size.units, 64), "fc2": (10, size.units)}
        case "cnn":
            return {
                "conv1": (filters, 1, 3, 3),
                "conv2": (2 * filters, filters, 3, 3),
                "fc": (10, 8 * filters),
            }
        case "rnn":
            return {"head": (2, size.cells)}
    return {
        "qkv": (3 * width, width),
        "out": (width, width),
        "up": (4 * width, width),
        "down": (width, 4 * width),
        "head": (COPY_SYMBOLS + 1, width),
    }


def make_batches(task: str, rows: int, steps: int, random: np.random.Generator) -> _Arrays:
    """Make the inputs `x` and the right answers `y`, one batch for each step."""
    pairs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
    digits = load_digits()
    for _ in range(steps):
        if task == "rnn":
            pairs.append(make_additions(random, rows, _BITS))
        elif task == "transformer":
            pairs.append(make_copies(random, rows, _LENGTH))
        else:
            chosen = random.integers(0, len(digits.labels), rows)
            pairs.append((digits.images[chosen], digits.labels[chosen]))
    return {
        "x": np.stack([inputs for inputs, _ in pairs]),
        "y": np.stack([answers for _, answers in pairs]),
    }


def write_job(
    folder: Path, task: str, kind: Literal["record", "pace"], steps: int, seed: int
) -> Job:
    """Write a job into the folder; the same seed makes the same job on every machine."""
    size = LARGE if kind == "pace" else SMALL
    random = np.random.default_rng([seed, _SALT[kind]])
    arrays = {f"weight/{name}": value for name, value in make_weights(task, size, random).items()}
    arrays |= make_batches(task, size.batch, steps, random)
    if kind == "pace":
        arrays |= _ask(task, random)
    job = Job(f"{kind}.{task}", task, kind, _RATES[task], size.heads, _ASKED_FROM.get(task, 0))
    np.savez(folder / f"{job.name}.npz", **arrays)  # type: ignore[arg-type]  # its keyword `allow_pickle` is no array
    return job


def _ask(task: str, random: np.random.Generator) -> _Arrays:
    """Make held-out questions `held_x` and their right answers `held_y`."""
    if task in {"mlp", "cnn"}:
        digits = load_digits()
        return {"held_x": digits.held_out_images, "held_y": digits.held_out_labels}
    asked = make_batches(task, _HELD_OUT, 1, random)
    return {"held_x": asked["x"][0], "held_y": asked["y"][0]}


def write_trace(folder: Path, job: Job, weights: _Arrays, step: int) -> Job:
    """Write the job that computes one step of another again, from these weights."""
    with np.load(folder / f"{job.name}.npz") as arrays:
        batch = {name: arrays[name][step - 1 : step] for name in ("x", "y")}
    trace = replace(job, name=f"trace.{job.task}", kind="trace")
    given = {f"weight/{name}": value for name, value in weights.items()}
    np.savez(folder / f"{trace.name}.npz", **batch, **given)  # type: ignore[arg-type]
    return trace
