"""The engine's side of a comparison: the text that PyTorch runs too, with the engine in PyTorch's place.

Imported by the worker alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackcheck.payload.train_protocol import do_job
from stackcheck.payload.train_torch import TorchTrainer
from stackcheck.smoke.bench import Bench

__all__ = ["do_in_engine", "read_jobs"]


def read_jobs(path: str) -> dict[str, Any]:
    """Read a request as `payload/train_protocol.py` documents it."""
    request: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return request


class _Replayed:
    """A trainer whose steps are captured. It stands beside the trainer: a step must not refer to its own recording."""

    def __init__(self, engine: Any, trainer: Any) -> None:
        self._trainer, self._update = trainer, engine.capture(trainer.update)

    def step(self, inputs: Any, targets: Any) -> float:
        """Take a step by the captured graph."""
        place = self._trainer.place
        loss = self._update(place(inputs), place(targets))
        return float(loss.cpu().item())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)


def do_in_engine(bench: Bench, request: Mapping[str, Any], job: Mapping[str, Any]) -> Any:
    """Do one job on the bench's device, in this process; returns what is told of it."""

    def build(task: str, start: Any, settings: Any) -> Any:
        trainer: Any = TorchTrainer(  # type: ignore[no-untyped-call]
            bench.engine, task, start, settings, bench.device
        )
        return _Replayed(bench.engine, trainer) if settings["mode"] == "captured" else trainer

    def progress(step: int, steps: int, loss: float, rate: float) -> None:
        bench.tell(
            {"event": "progress", "task": job["task"], "step": step, "steps": steps, "loss": loss, "rate": rate}
        )  # fmt: skip

    return do_job(build, request, job, progress)  # type: ignore[no-untyped-call]
