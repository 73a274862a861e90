"""The health of the GPUs while the smoke loads them: temperature, memory errors, and what holds the clocks down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from stackcheck.model.fact import Known
from stackcheck.model.gpu import Gpu
from stackcheck.model.smoke import StageResult
from stackcheck.smoke.causes import HELD_DOWN

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["HealthWatch", "judge_health"]

_INTERVAL_SECONDS = 10.0

_Sample: TypeAlias = tuple[Gpu, ...]


class HealthWatch:
    """Samples the GPUs through the probe's child process: when a block begins, every ten seconds, and when it ends."""

    def __init__(self, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._interval = interval_seconds
        self._samples: list[_Sample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if kind is None:
            self._thread.join()
            self._sample()

    def _watch(self) -> None:
        while not self._ended.wait(self._interval):
            self._sample()

    def _sample(self) -> None:
        from stackcheck.probe.machine import probe_machine

        gpus = probe_machine().gpus
        if isinstance(gpus, Known):
            self._samples.append(gpus.value)

    @property
    def busiest(self) -> _Sample:
        """The sample in which most GPUs had a clock event: what the load shows; empty without any sample."""
        return max(
            self._samples,
            key=lambda gpus: sum(bool((gpu.event_reasons.peek() or 0) & ~1) for gpu in gpus),
            default=(),
        )

    def result(self) -> StageResult:
        """Return what was seen, as a stage."""
        return judge_health(self._samples)


def judge_health(samples: Sequence[_Sample]) -> StageResult:
    """Judge samples in the order of time. Without any, or where nothing can be read of a GPU, the result is unknown."""
    if not samples or not samples[-1]:
        message = "NVML told nothing of the GPUs: `stackcheck doctor` says why"
        return StageResult("GPU health", "device", "unknown", compared_with="NVML", message=message)
    faults = [
        f"GPU {index}: {fault}"
        for index in range(len(samples[-1]))
        for fault in _find_faults([sample[index] for sample in samples if index < len(sample)])
    ]
    lost = [
        gpu.index for gpu in samples[0] if gpu.index not in {other.index for other in samples[-1]}
    ]
    faults += [f"GPU {index}: was lost while it worked" for index in lost]
    temperatures = [
        degrees
        for sample in samples
        for gpu in sample
        if (degrees := gpu.temperature_celsius.peek()) is not None
    ]
    return StageResult(
        "GPU health",
        "device",
        "error" if faults else "ok",
        float(max(temperatures)) if temperatures else None,
        "degrees at most" if temperatures else "",
        compared_with=f"{len(samples)} samples of temperature, memory errors and clocks by NVML",
        message="; ".join(faults),
    )


def _find_faults(history: Sequence[Gpu]) -> list[str]:
    """Return what went wrong with one GPU between its first and its last sample, or during it."""
    first, last = history[0], history[-1]
    faults = []
    if last.handle_code.peek():
        faults.append(f"NVML error {last.handle_code.peek()}")
    reasons = 0
    for gpu in history:
        reasons |= gpu.event_reasons.peek() or 0
    faults += [
        f"clocks were held down by {word}" for bit, word in HELD_DOWN.items() if reasons & bit
    ]
    grew = _growth(first, last, lambda gpu: gpu.ecc.uncorrected.peek())
    if grew:
        faults.append(f"{grew} uncorrected memory errors")
    if last.ecc.remap_pending.peek() and not first.ecc.remap_pending.peek():
        faults.append("a memory row is to be remapped: reset the GPU")
    if last.ecc.remap_failed.peek() and not first.ecc.remap_failed.peek():
        faults.append("remapping a memory row failed: replace the GPU")
    return faults


def _growth(first: Gpu, last: Gpu, read: Callable[[Gpu], int | None]) -> int:
    before, after = read(first), read(last)
    return 0 if before is None or after is None else max(0, after - before)
