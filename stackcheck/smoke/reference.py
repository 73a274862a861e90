"""The reference of a comparison with frameworks: first weights, batches, and what the engine makes of them.

The model is the text that the framework under test runs too (`payload/train_torch.py`), with the engine in PyTorch's
place.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcheck.payload.train_torch import TorchTrainer
from stackcheck.smoke.bench import Bench
from stackcheck.smoke.digits import load_digits
from stackcheck.smoke.recipe import ASKED_FROM, BATCH, BITS, HEADS, LENGTH, MOMENTUM, RATE, WIDTH
from stackcheck.smoke.sequences import COPY_SYMBOLS, make_additions, make_copies

__all__ = ["make_batches", "make_weights", "write_trajectory"]

_Arrays = Mapping[str, npt.NDArray[Any]]

_SHAPES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "mlp": {"fc1": (32, 64), "fc2": (10, 32)},
    "cnn": {"conv1": (8, 1, 3, 3), "conv2": (16, 8, 3, 3), "fc": (10, 64)},
    "rnn": {"head": (2, 16)},
    "transformer": {
        "qkv": (3 * WIDTH, WIDTH),
        "out": (WIDTH, WIDTH),
        "up": (4 * WIDTH, WIDTH),
        "down": (WIDTH, 4 * WIDTH),
        "head": (COPY_SYMBOLS + 1, WIDTH),
    },
}


def make_weights(task: str, random: np.random.Generator) -> _Arrays:
    """Make first weights by their canonical names: uniform within 1 / sqrt(inputs), as PyTorch does."""

    def draw(*shape: int, inputs: int) -> npt.NDArray[np.float32]:
        drawn = random.uniform(-1, 1, shape) / np.sqrt(inputs)
        return np.asarray(drawn, np.float32)

    weights: dict[str, npt.NDArray[Any]] = {}
    for name, shape in _SHAPES[task].items():
        inputs = int(np.prod(shape[1:]))
        weights[f"{name}.weight"] = draw(*shape, inputs=inputs)
        weights[f"{name}.bias"] = draw(shape[0], inputs=inputs)
    if task == "rnn":
        weights["lstm.weight_ih"] = draw(64, 2, inputs=16)
        weights["lstm.weight_hh"] = draw(64, 16, inputs=16)
        weights["lstm.bias"] = draw(64, inputs=16)
    if task == "transformer":
        weights["tokens"] = draw(COPY_SYMBOLS + 1, WIDTH, inputs=1)
        weights["positions"] = draw(2 * LENGTH, WIDTH, inputs=4)
        for name in ("norm1", "norm2", "norm"):
            weights[f"{name}.weight"] = np.ones(WIDTH, np.float32)
            weights[f"{name}.bias"] = np.zeros(WIDTH, np.float32)
    return weights


def make_batches(task: str, steps: int, random: np.random.Generator) -> _Arrays:
    """Make the inputs `x` and the right answers `y`, one batch for each step."""
    pairs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
    digits = load_digits()
    for _ in range(steps):
        if task == "rnn":
            pairs.append(make_additions(random, BATCH, BITS))
        elif task == "transformer":
            pairs.append(make_copies(random, BATCH, LENGTH))
        else:
            chosen = random.integers(0, len(digits.labels), BATCH)
            pairs.append((digits.images[chosen], digits.labels[chosen]))
    return {
        "x": np.stack([inputs for inputs, _ in pairs]),
        "y": np.stack([answers for _, answers in pairs]),
    }


def write_trajectory(bench: Bench, task: str, steps: int, folder: str) -> None:
    """Write `<task>.npz` (weights and batches) and `reference.<task>.npz` (losses, weights after each step)."""
    random = bench.random(50)
    weights, batches = make_weights(task, random), make_batches(task, steps, random)
    _save(
        Path(folder) / f"{task}.npz",
        {**batches, **{f"weight/{name}": value for name, value in weights.items()}},
    )
    request = {
        "rate": RATE,
        "momentum": MOMENTUM,
        "mode": "eager",
        "heads": HEADS,
        "asked_from": ASKED_FROM,
    }
    trainer: Any = TorchTrainer(  # type: ignore[no-untyped-call]
        bench.engine, task, weights, request, bench.device
    )
    seen = {f"0/{name}": value for name, value in trainer.weights().items()}
    losses, seconds = [], []
    for step, (inputs, answers) in enumerate(zip(batches["x"], batches["y"], strict=True), 1):
        start = time.perf_counter()
        losses.append(float(trainer.step(inputs, answers)))
        seconds.append(time.perf_counter() - start)
        seen |= {f"{step}/{name}": value for name, value in trainer.weights().items()}
    told = {"losses": np.array(losses), "step_seconds": np.array(np.median(seconds))}
    _save(Path(folder) / f"reference.{task}.npz", {**told, **seen})


def _save(path: Path, arrays: _Arrays) -> None:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # its keyword `allow_pickle` is no array
