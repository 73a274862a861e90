"""The same trainings by the engine on each device and by frameworks: parity step by step, and the one table."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stackcheck.model.record import record
from stackcheck.model.smoke import PaceResult, ParityResult, StageResult
from stackcheck.smoke.home import Home
from stackcheck.smoke.interpreter import Against
from stackcheck.smoke.jobs import Job, write_job
from stackcheck.smoke.parity import Parity
from stackcheck.smoke.programs import Framework, train_in_engine, train_in_framework
from stackcheck.smoke.runner import EngineUnusable, Listener
from stackcheck.smoke.table import make_rows
from stackcheck.smoke.told import Told

__all__ = ["Compared", "Trainings", "compare"]


@record(frozen=True)
class Trainings:
    """What is trained everywhere, and where."""

    tasks: tuple[str, ...]
    steps: int
    seed: int
    devices: tuple[str, ...]
    """GPUs that the engine uses beside the CPU."""
    framework_device: str
    """`cpu`, `auto` or `cuda:N`, for the frameworks; the reference is computed on the CPU."""
    expect_gpu: bool
    """Whether a framework that computes on the CPU fell back silently."""
    timeout: float = 0.0
    home: Home | None = None
    """Where the engine runs on GPUs; None for this interpreter."""


@dataclass
class Compared:
    """What came of it."""

    parity: list[ParityResult] = field(default_factory=list)
    table: list[PaceResult] = field(default_factory=list)


def compare(trainings: Trainings, against: Against | None, listener: Listener) -> Compared:
    """Train everywhere. What cannot be trained is told as such; nothing is raised."""
    compared = Compared()
    with tempfile.TemporaryDirectory(prefix="stackcheck-trainings-") as name:
        folder = Path(name)
        paces = [
            write_job(folder, task, "pace", trainings.steps, trainings.seed)
            for task in trainings.tasks
        ]
        records = [
            write_job(folder, task, "record", trainings.steps, trainings.seed)
            for task in (trainings.tasks if against else ())
        ]
        reference, _ = _train(folder, "cpu", [*records, *paces], trainings, listener)
        compared.table += make_rows("stackgrad", "eager", "cpu", paces, reference, reference)
        for device in ("cpu", *trainings.devices):
            _compare_engine(folder, device, paces, reference, trainings, listener, compared)
        if against:
            for framework in against.frameworks:
                for mode in against.modes:
                    place = Framework(
                        against.interpreter,
                        framework,
                        mode,
                        trainings.framework_device,
                        trainings.timeout,
                    )
                    _compare_framework(
                        place, folder, records, paces, reference, trainings, listener, compared
                    )
    return compared


def _compare_engine(
    folder: Path,
    device: str,
    paces: Sequence[Job],
    reference: dict[str, Told],
    trainings: Trainings,
    listener: Listener,
    compared: Compared,
) -> None:
    """Add what the engine does on a device: eagerly, captured, and without cuDNN where it has it."""
    has_cudnn = False
    for mode in ("eager", "captured") if device != "cpu" else ("captured",):
        told, has_cudnn = _train(folder, device, paces, trainings, listener, mode=mode)
        compared.table += make_rows("stackgrad", mode, device, paces, told, reference)
    if has_cudnn:
        told, _ = _train(folder, device, paces, trainings, listener, cudnn=False)
        subject = "stackgrad without cuDNN"
        compared.table += make_rows(subject, "eager", device, paces, told, reference)


def _train(
    folder: Path,
    device: str,
    jobs: Sequence[Job],
    trainings: Trainings,
    listener: Listener,
    *,
    mode: str = "eager",
    cudnn: bool = True,
) -> tuple[dict[str, Told], bool]:
    output = f"engine-{device.replace(':', '')}" if mode == "eager" else f"engine-{mode}"
    home = None if device == "cpu" else trainings.home
    try:
        told, run = train_in_engine(
            folder, output, jobs, listener,
            device=device, mode=mode, cudnn=cudnn, timeout=trainings.timeout, home=home,
        )  # fmt: skip
    except EngineUnusable as error:
        return {job.name: Told(job.name, failed=str(error)) for job in jobs}, False
    return told, run.has_cudnn


def _compare_framework(
    framework: Framework,
    folder: Path,
    records: Sequence[Job],
    paces: Sequence[Job],
    reference: dict[str, Told],
    trainings: Trainings,
    listener: Listener,
    compared: Compared,
) -> None:
    name = f"{framework.name} {framework.mode}"
    output = f"{framework.name}.{framework.mode}"
    listener.begin(name)
    told, version = train_in_framework(
        framework, folder, output, [*records, *paces], listener.progress
    )
    parity = Parity(framework, version, folder, output, reference, listener, trainings.expect_gpu)
    results = [parity.judge(job, told[job.name]) for job in records]
    subject = f"{framework.name} {version}".rstrip()
    compared.table += make_rows(subject, framework.mode, framework.device, paces, told, reference)
    compared.parity += results
    failed = any(result.status == "error" for result in results)
    seconds = sum(each.seconds for each in told.values())
    listener.finish(StageResult(name, "framework", "error" if failed else "ok", seconds=seconds))
