"""Training: the losses must fall, and from level `short` on the model must answer what it never saw."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from stackcheck.model.smoke import TaskResult
from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.shortage import halve_to_fit
from stackcheck.smoke.stages.gradients import ALLOWED_ERROR, compare_gradient
from stackcheck.smoke.tasks import TRAININGS, Training
from stackcheck.smoke.trial import Trial, build_trial

__all__ = [
    "thin",
    "train",
    "train_brackets",
    "train_cnn",
    "train_mlp",
    "train_rnn",
    "train_transformer",
]

_EVERY = 50
_CURVE_POINTS = 200


@dataclass
class _Curve:
    """What one training showed so far."""

    batch: int
    losses: list[float] = field(default_factory=list)
    accuracy: float = 0.0
    seconds: float = 0.0


def train_mlp(bench: Bench) -> Outcome:
    """Train the MLP on digits."""
    return train(bench, "mlp")


def train_cnn(bench: Bench) -> Outcome:
    """Train the CNN on digits."""
    return train(bench, "cnn")


def train_rnn(bench: Bench) -> Outcome:
    """Train the LSTM to add binary numbers."""
    return train(bench, "rnn")


def train_brackets(bench: Bench) -> Outcome:
    """Train the LSTM to tell whether brackets are balanced."""
    return train(bench, "brackets")


def train_transformer(bench: Bench) -> Outcome:
    """Train the transformer to copy sequences."""
    return train(bench, "transformer")


def train(bench: Bench, name: str) -> Outcome:
    """Train, with half the batch each time that memory is short, and judge what was reached."""
    training = TRAININGS[name]

    def attempt(batch: int) -> _Curve:
        return _run(bench, training, build_trial(bench, name, batch), batch)

    curve, batch = halve_to_fit(bench, f"{name}, samples of a batch", training.batch, attempt)
    deviation, message = _check_model_gradient(bench, name)
    task = TaskResult(
        training.task,
        curve.losses[0],
        curve.losses[-1],
        curve.accuracy,
        len(curve.losses) / curve.seconds,
        "ok" if deviation <= ALLOWED_ERROR else "error",
        training.data,
        len(curve.losses),
        batch,
        thin(curve.losses),
    )
    outcome = _judge(bench, training, curve)
    rates = {f"{name} steps/s": task.steps_per_second}
    faults = [
        text for text in (outcome.message, message if deviation > ALLOWED_ERROR else "") if text
    ]
    if batch != training.batch:
        faults.append(f"memory was short: batch {batch} instead of {training.batch}")
    return Outcome(
        "error" if deviation > ALLOWED_ERROR else outcome.status, outcome.value, outcome.unit,
        outcome.reference, outcome.compared_with, "; ".join(faults), rates, (task,),
    )  # fmt: skip


def _run(bench: Bench, training: Training, trial: Trial, batch: int) -> _Curve:
    """Take the level's steps, or fewer from `short` on if the accuracy is reached earlier."""
    steps = bench.of_level(training.quick_steps, training.short_steps)
    curve = _Curve(batch)
    for step in range(1, steps + 1):
        start = time.perf_counter()
        loss = float(bench.host(trial.step()))
        curve.seconds += time.perf_counter() - start
        curve.losses.append(loss)
        bench.tell(
            {
                "event": "progress",
                "task": training.task,
                "step": step,
                "steps": steps,
                "loss": loss,
                "rate": step / curve.seconds,
            }
        )
        if not math.isfinite(loss):
            break
        if bench.level != "quick" and step % _EVERY == 0:
            curve.accuracy = trial.accuracy()
            if curve.accuracy >= training.accuracy:
                return curve
    curve.accuracy = trial.accuracy()
    return curve


def _judge(bench: Bench, training: Training, curve: _Curve) -> Outcome:
    first, last = curve.losses[0], min(curve.losses[-10:], default=math.nan)
    where = f"step {len(curve.losses)} of {training.data}"
    if not all(map(math.isfinite, curve.losses)):
        return Outcome(
            "error", None, "loss", None, "finite numbers", f"the loss is not finite at {where}"
        )
    if bench.level == "quick":
        share = last / first
        message = (
            "" if share <= training.fall else f"the loss fell from {first:.4g} to {last:.4g} only"
        )
        compared_with = f"the first loss, after {len(curve.losses)} steps on {training.data}"
        return Outcome(
            "error" if message else "ok",
            share,
            "of first loss",
            training.fall,
            compared_with,
            message,
        )
    message = (
        ""
        if curve.accuracy >= training.accuracy
        else f"accuracy {curve.accuracy:.3f} after {len(curve.losses)} steps, {training.accuracy} expected"
    )
    compared_with = f"held-out {training.data}, reached after {len(curve.losses)} steps"
    return Outcome(
        "error" if message else "ok",
        curve.accuracy,
        "accuracy",
        training.accuracy,
        compared_with,
        message,
    )


def _check_model_gradient(bench: Bench, name: str) -> tuple[float, str]:
    """Compare this model's gradient with differences of its loss, in float64 and without dropout."""
    trial = build_trial(bench, name)
    trial.model.double().eval()
    inputs, targets = (bench.tensor(part) for part in trial.small_batch())
    if inputs.dtype == bench.engine.float32:
        inputs = inputs.double()
    leaves: dict[str, Any] = dict(trial.model.named_parameters())
    return compare_gradient(bench, lambda: trial.loss(inputs, targets), leaves, bench.random(13))


def thin(losses: list[float]) -> tuple[float, ...]:
    """Return at most 200 of the losses, evenly spaced, the first and the last among them."""
    if len(losses) <= _CURVE_POINTS:
        return tuple(losses)
    spacing = (len(losses) - 1) / (_CURVE_POINTS - 1)
    return tuple(losses[round(i * spacing)] for i in range(_CURVE_POINTS))
