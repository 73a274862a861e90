"""One whole run: the stages, the frameworks, the comparison with earlier runs, and the report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace

from stackcheck.environments.tools import Tools
from stackcheck.errors import InputError
from stackcheck.model.smoke import (
    PaceResult,
    ParityResult,
    SmokeReport,
    StageResult,
    StageStatus,
)
from stackcheck.smoke.bootstrap import BootstrapFailed, find_needs, make_environment
from stackcheck.smoke.causes import add_causes, is_slow
from stackcheck.smoke.document import compare_rates, list_rates
from stackcheck.smoke.explanation import explain_failure
from stackcheck.smoke.health import HealthWatch
from stackcheck.smoke.history import recall_rates, record_rates
from stackcheck.smoke.home import Home, lend_packages
from stackcheck.smoke.interpreter import Against
from stackcheck.smoke.presence import Presence, look_for_gpu
from stackcheck.smoke.request import TASKS, Request
from stackcheck.smoke.runner import EngineUnusable, Listener, Run, run_stages
from stackcheck.smoke.stages import stages_of, stages_of_several
from stackcheck.smoke.verdict import find_failing_layer, judge

__all__ = ["Options", "run_smoke"]

_STEPS = {"quick": 10, "short": 50, "long": 50}
_SLOWER = 0.6  # of the median before; less is not told from other work on the machine
_BELOW_BASELINE = 0.75
_MADE = (
    "the CuPy of the environment that was made fits; `stackcheck doctor` looks for what is wrong"
)


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    level: str = "quick"
    device: str = "auto"
    tasks: tuple[str, ...] = TASKS
    seed: int = 0
    seconds: float = 900.0
    timeout: float = 0.0
    """Seconds that each stage may take; 0 for the deadlines of the stages."""
    against: Against | None = None
    bootstrap: bool = False
    """Whether an environment may be made for the engine where this one cannot use the GPU."""
    offline: bool = False
    quiet: bool = False
    baseline: Mapping[str, float] = field(default_factory=dict)


def run_smoke(options: Options, listener: Listener) -> SmokeReport:
    """Run it all. Raises `InputError` where a GPU is asked for that the machine does not have."""
    start = time.monotonic()
    presence = look_for_gpu()
    if options.device not in {"auto", "cpu"} and not presence.has_gpu:
        raise InputError(
            f"--device {options.device}: this machine has no NVIDIA GPU; `--device cpu` tests the CPU"
        )
    with ExitStack() as stack:
        home, notes, stages = _settle(options, presence, listener, stack)
        with _watch(options, presence) as watch:
            run = _run_devices(options, presence, listener, home)
        notes += run.notes
        stages += run.stages
        if isinstance(watch, HealthWatch):
            stages = [
                add_causes(stage, watch.busiest) if is_slow(stage) else stage for stage in stages
            ]
            stages.append(watch.result())
        parity, table = _compare(options, run, presence, listener, home)
    device = run.device
    untested = presence.has_gpu and options.device == "auto" and not device.startswith("cuda")
    if untested:
        advice = _MADE if home else find_needs(presence).advice
        why = f"{run.refusal}; {advice}" if run.refusal else advice
        notes.append(f"the GPU ({presence.evidence}) was not tested, only the CPU: {why}")
    rates = list_rates(stages)
    if options.baseline:
        stages.append(_hold_against(options.baseline, rates))
    before = recall_rates(device, options.level)
    if slower := compare_rates(rates, before, _SLOWER):
        notes.append(f"slower than in earlier runs: {'; '.join(slower)}")
    stages = [_explain(stage) for stage in stages]
    status = judge(stages, parity, table, untested_gpu=untested)
    if status == "ok":
        record_rates(device, options.level, rates)
    return SmokeReport(
        status,
        device,
        options.level,
        tuple(stages),
        tuple(run.tasks),
        parity,
        table,
        find_failing_layer(stages, parity, table),
        tuple(notes),
        options.seed,
        time.monotonic() - start,
    )


def _settle(
    options: Options, presence: Presence, listener: Listener, stack: ExitStack
) -> tuple[Home | None, list[str], list[StageResult]]:
    """Find where the engine can use the GPU: here (None), or with `--bootstrap` in an environment made for it."""
    if not (options.bootstrap and presence.has_gpu and options.device != "cpu"):
        return None, [], []
    try:
        run_stages(Request(device="cuda:0"), listener)
    except EngineUnusable as error:
        why = str(error)
    else:
        return None, ["--bootstrap: nothing to make, the GPU can be used from here"], []
    listener.begin("bootstrap")
    tools = Tools(quiet=options.quiet, offline=options.offline)
    try:
        executable = make_environment(find_needs(presence), tools)
    except BootstrapFailed as error:
        result = StageResult("bootstrap", "device", "unknown", message=str(error))
        listener.finish(result)
        return None, [], [result]
    listener.finish(StageResult("bootstrap", "device", "ok"))
    home = stack.enter_context(lend_packages(executable))
    return home, [f"--bootstrap: the engine runs by {executable}, since here {why}"], []


def _watch(options: Options, presence: Presence) -> AbstractContextManager[object]:
    """Watch the GPUs' health where they are loaded."""
    return HealthWatch() if presence.has_gpu and options.device != "cpu" else nullcontext()


def _run_devices(
    options: Options, presence: Presence, listener: Listener, home: Home | None
) -> Run:
    """Run the stages on the device; for `all` on each GPU in turn, then those that use all at once."""
    wanted = "cuda:0" if options.device in {"all", "cuda"} else options.device
    run = _run_device(options, wanted, presence, listener, home)
    if options.device != "all":
        if run.device_count > 1:
            count = run.device_count
            run.notes.append(
                f"of {count} GPUs only {run.device} was tested; `--device all` tests each, and together"
            )
        return run
    if not any(stage.status == "ok" for stage in run.stages):
        return run
    for number in range(1, run.device_count):
        other = _run_device(options, f"cuda:{number}", presence, listener, home)
        _append(run, other, suffix=f" ({other.device})")
        run.device += f", {other.device}"
    _append(run, _run_names(options, "cuda:0", stages_of_several(), presence, listener, home))
    return run


def _append(run: Run, other: Run, suffix: str = "") -> None:
    run.stages += [replace(stage, name=f"{stage.name}{suffix}") for stage in other.stages]
    run.tasks += other.tasks
    run.notes += other.notes


def _run_device(
    options: Options, device: str, presence: Presence, listener: Listener, home: Home | None
) -> Run:
    gpu = device.startswith("cuda") or (device == "auto" and presence.has_gpu)
    names = stages_of(options.level, options.tasks, gpu=gpu)
    return _run_names(options, device, names, presence, listener, home)


def _run_names(
    options: Options,
    device: str,
    names: tuple[str, ...],
    presence: Presence,
    listener: Listener,
    home: Home | None,
) -> Run:
    """Run these stages on a device; an engine that does not start is a stage that says so."""
    request = Request(
        options.level, device, options.seed, options.tasks, names,
        options.seconds if options.level == "long" else 0.0,
        timeout=options.timeout,
    )  # fmt: skip
    try:
        return run_stages(request, listener, home)
    except EngineUnusable as error:
        # on a GPU that CuPy cannot use nothing was judged; an engine that does not start on the CPU is a failure
        on_gpu = device.startswith("cuda")
        status: StageStatus = "unknown" if on_gpu else "error"
        message = str(error)
        if on_gpu:
            message += f"; {_MADE if home else find_needs(presence).advice}"
        result = StageResult("device" if on_gpu else "engine", "device", status, message=message)
        listener.finish(result)
        return Run(device, stages=[result])


def _compare(
    options: Options, run: Run, presence: Presence, listener: Listener, home: Home | None
) -> tuple[tuple[ParityResult, ...], tuple[PaceResult, ...]]:
    """Train beside frameworks and on each device; not where the engine itself could not start."""
    if not any(stage.status == "ok" for stage in run.stages):
        return (), ()
    from stackcheck.smoke.comparison import Trainings, compare  # NumPy, which has been seen to work

    gpus = tuple(device for device in run.device.split(", ") if device.startswith("cuda"))
    device = {"all": "cuda:0", "cuda": "cuda:0"}.get(options.device, options.device)
    trainings = Trainings(
        options.tasks,
        _STEPS[options.level],
        options.seed,
        gpus[:1],
        device,
        expect_gpu=presence.has_gpu and device != "cpu",
        timeout=options.timeout,
        home=home,
    )
    compared = compare(trainings, options.against, listener)
    return tuple(compared.parity), tuple(compared.table)


def _explain(stage: StageResult) -> StageResult:
    """Add what `stackcheck explain` knows of a failure."""
    if stage.status != "error":
        return stage
    return replace(stage, explanation=explain_failure(stage.message))


def _hold_against(baseline: Mapping[str, float], rates: Mapping[str, float]) -> StageResult:
    """Make the stage that compares the rates with `--baseline`."""
    shares = [rates[name] / baseline[name] for name in rates.keys() & baseline.keys()]
    compared_with = f"{len(shares)} rates of the baseline"
    if not shares:
        message = (
            "the baseline has no rate that this run measured too (another level, device or task)"
        )
        return StageResult(
            "baseline", "device", "unknown", compared_with=compared_with, message=message
        )
    slower = compare_rates(rates, baseline, _BELOW_BASELINE)
    return StageResult(
        "baseline",
        "device",
        "error" if slower else "ok",
        min(shares),
        "of the baseline",
        _BELOW_BASELINE,
        min(shares) / _BELOW_BASELINE,
        compared_with=compared_with,
        message="; ".join(slower),
    )
