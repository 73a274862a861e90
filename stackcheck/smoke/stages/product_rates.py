"""Matrix products of a GPU by precision, as shares of its peak; float8 and TF32 are checked here, too.

Random numbers are multiplied: zeros would draw less power and run faster than any training does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcheck.model.record import record
from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.peaks import list_peaks
from stackcheck.smoke.shortage import halve_to_fit
from stackcheck.smoke.stages.fp8 import Fp8Product, Fp8Unavailable
from stackcheck.smoke.stages.products import allowed_units

__all__ = ["Measured", "judge_rates", "measure_products", "sample_error"]

_TOO_SLOW = 0.5
"""Of the peak; sound data-centre GPUs reach 0.7 to 0.9 of it (2.0 GHz clocks are held by none under load)."""
_SAMPLED = 16
_LEAST = 1024
_REPEATS = 10
_SKIPPED = Outcome("skipped", message="the stages run on the CPU, whose peak is not known")
_Matrix = npt.NDArray[Any]


@record(frozen=True)
class _Precision:
    """One way to multiply: the key of its peak, the first capability that has it, its rounding unit."""

    name: str
    peak: str
    since: tuple[int, int]
    unit: float


_PRECISIONS = (
    _Precision("float32", "float32", (0, 0), 2.0**-23),
    _Precision("TF32", "tf32", (8, 0), 2.0**-10),
    _Precision("bfloat16", "half", (8, 0), 2.0**-7),
    _Precision("float16", "half", (7, 0), 2.0**-10),
    _Precision("float8", "fp8", (8, 9), 2.0**-7),
)


@record(frozen=True)
class Measured:
    """What the products of one precision reached: TFLOP/s, the share of the peak if that is known, the error."""

    rate: float
    share: float | None
    error: float
    """Of the elements that were looked at, in rounding units."""


def measure_products(bench: Bench) -> Outcome:
    """Time large products of random numbers; far below its kind is an error with its usual causes."""
    if not bench.is_gpu:
        return _SKIPPED
    cupy = bench.cupy
    device = cupy.cuda.Device(int(bench.device.partition(":")[2] or 0))
    found = device.attributes
    name = cupy.cuda.runtime.getDeviceProperties(device.id)["name"].decode()
    capability = int(device.compute_capability[:-1]), int(device.compute_capability[-1])
    peaks = list_peaks(name, capability, found["MultiProcessorCount"], found["ClockRate"] * 1e3)
    place = f"{name} at {found['ClockRate'] / 1e6:.2f} GHz"
    measure = partial(_measure, bench, cupy, place, capability, peaks)
    outcome, _ = halve_to_fit(bench, "product rate", bench.of_level(4096, 8192), measure, _LEAST)
    return outcome


def _measure(
    bench: Bench,
    cupy: Any,
    place: str,
    capability: tuple[int, int],
    peaks: Mapping[str, float],
    size: int,
) -> Outcome:
    random = bench.random(70)
    left, right = (random.standard_normal((size, size), np.float32) for _ in range(2))
    measured: dict[str, Measured] = {}
    notes = []
    for precision in _PRECISIONS:
        if capability < precision.since:
            continue
        try:
            with _prepare(bench, cupy, precision.name, left, right) as (multiply, given, read):
                rate = 2 * size**3 / bench.time(multiply, _REPEATS) / 1e12
                off = sample_error(read(), *given, precision.unit, random)
        except Fp8Unavailable as error:
            notes.append(str(error))
            continue
        peak = peaks.get(precision.peak)
        measured[precision.name] = Measured(rate, rate / peak if peak else None, off)
    return judge_rates(measured, f"{place}; {size} x {size}", allowed_units(size), notes)


_Prepared = tuple[Callable[[], Any], tuple[_Matrix, _Matrix], Callable[[], _Matrix]]


@contextmanager
def _prepare(
    bench: Bench, cupy: Any, name: str, left: _Matrix, right: _Matrix
) -> Iterator[_Prepared]:
    """Give what multiplies, the numbers that it multiplies, and what reads the product on the host."""
    if name == "float8":
        import ml_dtypes

        float8, bfloat16 = ml_dtypes.float8_e4m3fn, ml_dtypes.bfloat16
        rounded, turned = left.astype(float8), np.ascontiguousarray(right.T).astype(float8)
        product = Fp8Product(cupy, rounded.view(np.uint8), turned.view(np.uint8))
        try:
            yield (
                product.launch,
                (rounded, turned.T),
                lambda: product.transposed.get().view(bfloat16).T,
            )
        finally:
            product.close()
    elif name == "TF32":
        with _tensor_float():
            first, second = cupy.asarray(left), cupy.asarray(right)
            multiply = partial(cupy.matmul, first, second)
            yield multiply, (left, right), lambda: np.asarray(multiply().get())
    else:
        dtype = getattr(bench.engine, name)
        tensors = bench.tensor(left, dtype), bench.tensor(right, dtype)
        given = bench.host(tensors[0]), bench.host(tensors[1])
        work = partial(operator.matmul, *tensors)
        yield work, given, lambda: bench.host(work())


@contextmanager
def _tensor_float() -> Iterator[None]:
    """Let CuPy multiply float32 by TF32, which it does by an environment variable or this."""
    from importlib import import_module

    routines = import_module("cupy._core._routines_linalg")
    dtype = np.dtype(np.float32)
    before = routines.get_compute_type(dtype)
    routines.set_compute_type(dtype, routines.COMPUTE_TYPE_TF32)
    try:
        yield
    finally:
        routines.set_compute_type(dtype, before)


def sample_error(
    product: _Matrix, left: _Matrix, right: _Matrix, unit: float, random: np.random.Generator
) -> float:
    """Return how far sampled elements are from float64, in rounding units of the product's typical element."""
    rows = random.choice(len(left), min(_SAMPLED, len(left)), replace=False)
    columns = random.choice(right.shape[1], min(_SAMPLED, right.shape[1]), replace=False)
    exact = left[rows].astype(np.float64) @ right[:, columns].astype(np.float64)
    found = product[np.ix_(rows, columns)].astype(np.float64)
    scale = float(np.sqrt((exact**2).mean())) or 1.0
    error = float(np.abs(found - exact).max() / (unit * scale))
    return error if np.isfinite(error) else float("inf")


def judge_rates(
    measured: Mapping[str, Measured], place: str, allowed: float, notes: list[str]
) -> Outcome:
    """Judge what was measured: a wrong product before a slow one."""
    rates = {f"{name} TFLOP/s": each.rate for name, each in measured.items()}
    for name, each in measured.items():
        if not each.error <= allowed:
            message = f"{name} products are off by {each.error:.1f} rounding units"
            return Outcome("error", each.error, "rounding units", allowed, place, message, rates)
    shares = {name: each.share for name, each in measured.items() if each.share is not None}
    told = "; ".join([*(f"{name} {share:.0%}" for name, share in shares.items()), *notes])
    if not shares:
        return Outcome(
            "ok", compared_with=f"no peak is known of {place}", message=told, rates=rates
        )
    worst = min(shares, key=shares.__getitem__)
    compared_with = f"peak of {place}; {told}"
    if shares[worst] >= _TOO_SLOW:
        return Outcome("ok", shares[worst], "of peak", _TOO_SLOW, compared_with, rates=rates)
    message = (
        f"{worst} products reach {shares[worst]:.0%} of the peak: a power cap, lowered clocks, heat, or another process"
        " on the GPU (`stackcheck doctor` shows them)"
    )
    return Outcome("error", shares[worst], "of peak", _TOO_SLOW, compared_with, message, rates)
