"""Matrix products: every element held against float64, the same bits each time, and the rate.

Each product C = A B is checked as a whole by signed sums of its rows and columns, which float64 gives without a
product: C v = A (B v) and u C = (u A) B. A wrong element stands where a wrong row and a wrong column cross. Some rows
are also computed in full. None of the reference goes through BLAS, which is what is under test.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from stackcheck.smoke.bench import Bench, Outcome
from stackcheck.smoke.shortage import halve_to_fit

__all__ = ["allowed_units", "check_products", "find_wrong_element"]

_ROWS_IN_FULL = 8
_LEAST = 64
_Matrix = npt.NDArray[np.float64]


def _apply(matrix: _Matrix, vector: _Matrix) -> _Matrix:
    # along contiguous rows NumPy adds in pairs, which keeps the reference's own rounding small
    applied: _Matrix = np.multiply(matrix, vector, order="C").sum(axis=1)
    return applied


def allowed_units(length: int) -> float:
    """Return how many rounding units a sum of so many terms may be off: sequential sums grow with the root."""
    return 8.0 + 2.0 * float(np.sqrt(length))


def find_wrong_element(
    product: _Matrix, left: _Matrix, right: _Matrix, epsilon: float, random: np.random.Generator
) -> tuple[float, tuple[int, int] | None]:
    """Return the largest deviation of a row or column sum in units of its rounding noise, and where it is.

    All matrices are float64 copies of what the device was given and gave; `epsilon` is that of the product's type. The
    place is None if everything is within the noise.
    """
    rows, columns = product.shape
    signs_right = random.choice([-1.0, 1.0], columns)
    signs_left = random.choice([-1.0, 1.0], rows)
    by_row = _apply(product, signs_right) - _apply(left, _apply(right, signs_right))
    by_column = _apply(product.T, signs_left) - _apply(right.T, _apply(left.T, signs_left))
    scale = float(np.sqrt((product[np.isfinite(product)] ** 2).mean())) or 1.0
    noise_row = epsilon * scale * np.sqrt(columns)
    noise_column = epsilon * scale * np.sqrt(rows)
    deviations = np.abs(by_row) / noise_row, np.abs(by_column) / noise_column
    for sums in deviations:
        sums[~np.isfinite(sums)] = np.inf
    largest = float(max(deviations[0].max(), deviations[1].max()))
    if largest <= allowed_units(left.shape[1]):
        return largest, None
    return largest, (int(deviations[0].argmax()), int(deviations[1].argmax()))


def _check_type(bench: Bench, name: str, size: int, *, repeats: int) -> tuple[Outcome, float]:
    """Check one type; returns the outcome and the rate in GFLOP/s."""
    dtype = getattr(bench.engine, name)
    epsilon, allowed = float(bench.engine.finfo(dtype).eps), allowed_units(size)
    random = bench.random(2)
    left = bench.tensor(random.standard_normal((size, size)).astype(np.float32), dtype)
    right = bench.tensor(random.standard_normal((size, size)).astype(np.float32), dtype)
    given = bench.host(left).astype(np.float64), bench.host(right).astype(np.float64)
    first = bench.host(left @ right)
    compared_with = f"float64 sums of all rows and columns, {size} x {size}"
    found, place = find_wrong_element(first.astype(np.float64), *given, epsilon, random)
    if place is not None:
        row, column = place
        right_value = float((given[0][row] * given[1][:, column]).sum())
        message = f"{name}: element {place} is {float(first[row, column]):.7g}, float64 gives {right_value:.7g}"
        return Outcome("error", found, "rounding units", allowed, compared_with, message), 0.0
    rows = random.choice(size, _ROWS_IN_FULL, replace=False)
    exact = np.stack([_apply(given[1].T, given[0][row]) for row in rows])
    in_full = float(np.abs(first[rows] - exact).max() / (epsilon * np.abs(exact).max()))
    if not in_full <= allowed:
        message = f"{name}: rows {sorted(rows.tolist())} differ from float64 by {in_full:.1f} rounding units"
        return Outcome("error", in_full, "rounding units", allowed, compared_with, message), 0.0
    for again in range(repeats):
        differing = np.argwhere(bench.host(left @ right) != first)
        if len(differing):
            place = (int(differing[0][0]), int(differing[0][1]))
            message = (
                f"{name}: product {again + 2} of the same matrices has other bits, first at {place}"
            )
            return (
                Outcome(
                    "error",
                    float(len(differing)),
                    "elements",
                    0.0,
                    "the same product again",
                    message,
                ),
                0.0,
            )
    seconds = bench.time(lambda: left @ right, 3 if bench.level == "quick" else 10)
    rate = 2 * size**3 / seconds / 1e9
    return Outcome("ok", max(found, in_full), "rounding units", allowed, compared_with), rate


def check_products(bench: Bench) -> Outcome:
    """Check float32, and from level `short` on the other types too."""
    names = ["float32"] if bench.level == "quick" else ["float32", "float64", "bfloat16", "float16"]
    rates: dict[str, float] = {}
    outcomes: list[Outcome] = []
    for name in names:
        # half precision has no BLAS on a CPU, where it is checked and not timed at size
        check = partial(_check_type, bench, name, repeats=bench.of_level(3, 10))
        (outcome, rate), _ = halve_to_fit(
            bench, f"{name} products", _size(bench, name), check, _LEAST
        )
        outcomes.append(outcome)
        if outcome.status != "ok":
            return outcome
        rates[f"{name} GFLOP/s"] = rate
    worst = max(outcomes, key=_value)
    return Outcome(
        "ok",
        worst.value,
        worst.unit,
        worst.reference,
        f"{worst.compared_with}; {', '.join(names)}",
        rates=rates,
    )


def _value(outcome: Outcome) -> Any:
    return outcome.value


def _size(bench: Bench, name: str) -> int:
    if bench.is_gpu:
        return bench.of_level(4096, 8192)
    return bench.of_level(512, 1024) if name in {"float32", "float64"} else 256
