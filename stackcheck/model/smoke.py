"""The smoke report: what each stage, task and framework showed."""

from __future__ import annotations

from typing import Literal

from stackcheck.model.record import record

__all__ = [
    "LAYERS",
    "PaceResult",
    "ParityResult",
    "SmokeReport",
    "StageResult",
    "StageStatus",
    "TaskResult",
]

StageStatus = Literal["ok", "error", "unknown", "skipped"]

LAYERS = (
    "device",
    "memory",
    "blas",
    "convolution",
    "random",
    "compiler",
    "autograd",
    "training",
    "determinism",
    "capture",
    "collectives",
    "framework",
)
"""Layers of the stack from the bottom up: the lowest that fails is the cause, those above it may be consequences."""


@record(frozen=True)
class StageResult:
    """One stage: what was measured, what it was held against, and the layer that it speaks for.

    `value` and `reference` have the same `unit`; `share_of_reference` is their ratio: of a limit the share that was
    used up, of a rate or an accuracy the share that was reached.
    """

    name: str
    layer: str
    status: StageStatus
    value: float | None = None
    unit: str = ""
    reference: float | None = None
    share_of_reference: float | None = None
    seconds: float = 0.0
    compared_with: str = ""
    message: str = ""
    """What went wrong or should be known, one sentence."""
    rates: dict[str, float] | None = None
    """Rates by name with unit (`float32 GFLOP/s`), compared with a baseline and with earlier runs."""
    explanation: str = ""
    """What `stackcheck explain` makes of the message: code, cause and fix; empty where nothing in it is known."""


@record(frozen=True)
class TaskResult:
    """One training: its losses, and the accuracy on data that it never saw."""

    task: str
    loss_first: float
    loss_last: float
    accuracy: float
    steps_per_second: float
    gradient_check: StageStatus
    """Whether the gradients of this very model agree with differences of its loss."""
    data: str = ""
    steps: int = 0
    batch: int = 0
    losses: tuple[float, ...] = ()
    """The curve, thinned to at most 200 points."""


@record(frozen=True)
class ParityResult:
    """One framework trained beside the reference, step by step."""

    framework: str
    task: str
    mode: str
    first_difference: int | None
    """First step (0: the weights as loaded) whose loss or weights leave the tolerance; None if none does."""
    largest_difference: float | None
    """Largest relative difference of a loss."""
    status: StageStatus
    version: str = ""
    placement: str = ""
    """Where the framework says that it computed (`cpu`, `cuda:0`)."""
    message: str = ""
    tolerance: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    prefix: str = ""
    parameter: str = ""
    """The parameter that differs first."""
    layer: str = ""
    """The first layer that differs when that step is computed again from the reference's weights; `update` if none
    does, so that it is the optimizer, and `compiler` if eager mode agrees in every layer."""
    library: str = ""
    """The file that computed there, where it can be told."""
    step_seconds: float | None = None
    """Median of a step."""
    reference_step_seconds: float | None = None
    """The same of the reference, on the CPU."""
    explanation: str = ""
    """What `stackcheck explain` makes of a failure."""


@record(frozen=True)
class PaceResult:
    """A line of the one table: one model of some size, trained and asked by one program on one device.

    `status` is `error` where it failed, or where it ended elsewhere than the engine on the CPU did from the same
    weights on the same batches.
    """

    subject: str
    """`stackgrad`, `stackgrad without cuDNN`, `torch 2.13.0`, ..."""
    device: str
    mode: str
    task: str
    status: StageStatus
    step_seconds: float | None = None
    """Median of a training step."""
    inference_seconds: float | None = None
    """Of the held-out questions (128 sequences, 359 digits)."""
    memory_bytes: int | None = None
    """The most that it held: of the GPU where it ran on one, else of the process."""
    ratio_to_cpu: float | None = None
    """How many times as fast a step is as that of the engine on the CPU."""
    accuracy: float | None = None
    """Share of right answers to the held-out questions after the few steps that were timed."""
    steps: int = 0
    message: str = ""


@record(frozen=True)
class SmokeReport:
    """The answer to `train-smoke`. `status` is `ok`, `error` or `unknown`."""

    status: Literal["ok", "error", "unknown"]
    device: str
    level: str
    stages: tuple[StageResult, ...] = ()
    tasks: tuple[TaskResult, ...] = ()
    parity: tuple[ParityResult, ...] = ()
    table: tuple[PaceResult, ...] = ()
    failing_layer: str = ""
    """The lowest layer with an error; empty if none has one."""
    notes: tuple[str, ...] = ()
    seed: int = 0
    seconds: float = 0.0
