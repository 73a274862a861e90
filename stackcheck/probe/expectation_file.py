"""`--expect FILE`: a probed machine that others shall be like, or ranges and states that somebody wrote down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stackcheck.errors import InputError
from stackcheck.model.expectation import Expectation
from stackcheck.model.machine import Machine
from stackcheck.model.specifier import InvalidSpecifier, clauses_of
from stackcheck.probe.facts_file import read_machine

__all__ = ["read_expectation"]

_SIZE_MAX = 32 << 20


def read_expectation(path: Path) -> Machine | Expectation:
    """Read a facts file (JSON), or a YAML mapping with some of the fields of `Expectation`.

    Raises `InputError` with every fault.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise InputError(f"--expect {path}: cannot be read: {error.strerror}") from error
    if len(data) > _SIZE_MAX:
        raise InputError(f"--expect {path}: more than {_SIZE_MAX >> 20} MiB")
    document = _load(path, data)
    if not isinstance(document, dict):
        raise InputError(
            f"--expect {path}: a mapping is needed, with some of {', '.join(_CHECKS)};"
            " or a file of `stackcheck probe`"
        )
    if "schema" in document:
        return read_machine(data, str(path))
    faults = [f"--expect {path}: {fault}" for fault in _faults(document)]
    if faults:
        raise InputError(*faults)
    return Expectation(str(path), **document)


def _load(path: Path, data: bytes) -> Any:
    try:
        text = data.decode()
        if text.lstrip().startswith("{"):
            return json.loads(text)
        import yaml

        return yaml.safe_load(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--expect {path}: is neither JSON nor YAML: {error}") from error
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise InputError(f"--expect {path}: is neither JSON nor YAML: {told}") from error


def _faults(document: dict[Any, Any]) -> Iterator[str]:
    for name, value in document.items():
        if name in _CHECKS:
            yield from _CHECKS[name](name, value)
        else:
            yield f"{name}: no such entry; there are {', '.join(_CHECKS)}"


def _no_range(name: str, value: Any) -> Iterator[str]:
    try:
        if not isinstance(value, str) or not clauses_of(value):
            yield f"{name}: a range in quotes is needed, such as '>=570.86,<581', and this is {value!r}"
    except InvalidSpecifier as error:
        yield f"{name}: {error}"


def _no_text(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{name}: a text is needed, and this is {value!r}"


def _no_count(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        yield f"{name}: a number is needed, and this is {value!r}"


def _no_state(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{name}: true or false is needed, and this is {value!r}"


def _no_ranges(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{name}: a mapping of names to ranges is needed, and this is {value!r}"
        return
    for framework, text in value.items():
        yield from _no_range(f"{name}: {framework}", text)


_CHECKS: dict[str, Callable[[str, Any], Iterator[str]]] = {
    **dict.fromkeys(("driver", "cuda", "glibc"), _no_range),
    **dict.fromkeys(("kernel", "gpu"), _no_text),
    "gpus": _no_count,
    **dict.fromkeys(("ecc", "mig", "persistence"), _no_state),
    "frameworks": _no_ranges,
}
"""What may be written, and what is wrong with a value."""
