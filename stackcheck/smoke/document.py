"""The report as JSON, and reports read back as baselines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stackcheck.errors import InputError
from stackcheck.model.smoke import SmokeReport, StageResult

__all__ = ["compare_rates", "list_rates", "read_baseline", "to_document"]


def to_document(report: SmokeReport) -> dict[str, Any]:
    """Return the content of the contract's document; numbers that JSON does not have become null."""
    content: dict[str, Any] = _make_finite(asdict(report))
    return content


def _make_finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _make_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_make_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def list_rates(stages: Sequence[StageResult]) -> dict[str, float]:
    """Return all rates of a run by name."""
    return {name: rate for stage in stages for name, rate in (stage.rates or {}).items()}


def read_baseline(path: Path) -> dict[str, float]:
    """Read the rates of an earlier report. Raises `InputError` with every fault."""
    place = f"--baseline {path}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{place}: not JSON ({error})") from error
    if not isinstance(content, dict) or content.get("schema") != "stackcheck.train-smoke/1":
        raise InputError(f"{place}: not a report of `stackcheck train-smoke --format json`")
    stages = content.get("stages")
    if not isinstance(stages, list):
        raise InputError(f"{place}: `stages` is not a list")
    told = {
        number: stage.get("rates") or {}
        for number, stage in enumerate(stages)
        if isinstance(stage, dict)
    }
    if len(told) < len(stages) or not all(isinstance(rates, dict) for rates in told.values()):
        raise InputError(f"{place}: `stages` holds what is no stage")
    faults = [
        f"{place}: stages[{number}].rates[{name!r}] is {rate!r}, not a positive number"
        for number, rates in told.items()
        for name, rate in rates.items()
        if not isinstance(rate, (int, float)) or rate <= 0
    ]
    if not any(told.values()):
        faults.append(f"{place}: no stage in it has a rate")
    if faults:
        raise InputError(*faults)
    return {name: float(rate) for rates in told.values() for name, rate in rates.items()}


def compare_rates(
    rates: Mapping[str, float], before: Mapping[str, float], share: float
) -> list[str]:
    """Return one sentence for each rate that is below `share` of what it was."""
    return [
        f"{name} is {rates[name]:.3g}, {rates[name] / before[name]:.0%} of the {before[name]:.3g} before"
        for name in sorted(rates.keys() & before.keys())
        if rates[name] < share * before[name]
    ]
