"""Machines as JSON: printed, written, and read back from files that nobody vouches for."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.atomic import replace_file
from stackcheck.errors import InputError
from stackcheck.model.machine import SCHEMA, Machine
from stackcheck.model.version import Version

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

__all__ = ["machine_document", "probe_facts_file", "read_machine", "write_machine"]

_SIZE_MAX = 32 << 20
"""Bytes of a facts file at most; a machine of 16 GPUs and 500 distributions has under one million."""
_FAULTS_MAX = 20
_SHOWN_MAX = 60
_STATES = {"Known": "known", "Absent": "absent", "Unknown": "unknown"}


def machine_document(machine: Machine) -> dict[str, Any]:
    """Return the machine as JSON values, without pydantic: versions are texts, tuples lists."""
    document = _plain(machine)
    assert isinstance(document, dict)  # noqa: S101 (for the type checker: a dataclass becomes a mapping)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, Version):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}


def write_machine(machine: Machine, path: Path) -> None:
    """Write a facts file, whole or not at all. Raises `InputError` where the path cannot be written."""
    text = json.dumps(machine_document(machine), indent=2, ensure_ascii=False) + "\n"
    try:
        replace_file(path, text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def probe_facts_file(path: Path) -> Machine:
    """Read a machine from a facts file. Raises `InputError` with every fault and its place in the JSON."""
    try:
        if not path.is_file():
            raise InputError(
                f"{path}: no such file" if not path.exists() else f"{path}: not a file"
            )
        with path.open("rb") as file:
            data = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > _SIZE_MAX:
        raise InputError(f"{path}: more than {_SIZE_MAX >> 20} MiB; no facts file is that large")
    return dataclasses.replace(read_machine(data, str(path)), origin=str(path))


def read_machine(data: bytes | str, name: str) -> Machine:
    """Validate a machine's JSON; `doctor --json` documents are taken too, for the machine inside.

    Raises `InputError` with every fault; `name` is what they are prefixed with.
    """
    if (machine := _read_quickly(data)) is not None:
        return machine
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise InputError(f"{name}: nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{name}: is no JSON: {error}") from error
    if isinstance(document, dict) and isinstance(document.get("machine"), dict):
        document = document["machine"]
    if not isinstance(document, dict):
        raise InputError(f"{name}: a JSON object is needed, as `stackcheck probe` prints it")
    schema = document.get("schema")
    if schema != SCHEMA:
        raise InputError(f"{name}: schema is {schema!r}, and this reads {SCHEMA!r}")
    return _validate(document, name)


def _validate(document: dict[str, Any], name: str) -> Machine:
    from pydantic import ValidationError

    try:
        machine: Machine = _adapter().validate_python(document)
    except ValidationError as error:
        faults: dict[str, None] = {}
        for fault in error.errors():
            told = _fault(document, fault["loc"], fault["msg"])
            if told is not None:
                faults[f"{name}: {told}"] = None
        told_first = list(faults)[:_FAULTS_MAX]
        more = len(faults) - len(told_first)
        raise InputError(*told_first, *([f"{name}: and {more} more"] if more else [])) from error
    except RecursionError as error:
        raise InputError(f"{name}: nested too deeply") from error
    return machine


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Machine]:
    """Make the validator once: a fleet reads a file for each of its nodes."""
    from pydantic import TypeAdapter

    return TypeAdapter(Machine)


@lru_cache(maxsize=1)
def _quick_validator() -> SchemaValidator:
    """Make a validator of JSON text that looks at a fact's `state` first: half the time, and nothing forgiven."""
    from pydantic_core import SchemaValidator

    return SchemaValidator(_tagged(_adapter().core_schema))


def _tagged(schema: Any) -> Any:
    if isinstance(schema, dict):
        inner = {key: _tagged(value) for key, value in schema.items()}
        if inner.get("type") == "dataclass-field" and inner["name"] == "schema":
            return {**inner, "schema": {"type": "literal", "expected": [SCHEMA]}}
        if inner.get("type") != "union" or len(inner["choices"]) != len(_STATES):
            return inner
        choices = dict(zip(_STATES.values(), inner["choices"], strict=True))
        return {"type": "tagged-union", "discriminator": "state", "choices": choices}
    if isinstance(schema, list | tuple):
        return type(schema)(map(_tagged, schema))
    return schema


def _read_quickly(data: bytes | str) -> Machine | None:
    """Return the machine of a document that is one and has no fault; None leaves the rest to the slower way."""
    from pydantic import ValidationError

    try:
        machine: Machine = _quick_validator().validate_json(data)
    except (ValidationError, RecursionError):
        return None
    return machine


def _fault(document: Any, location: tuple[int | str, ...], message: str) -> str | None:
    """Return a fault with its place, `gpus.value[0].name: ...`.

    A fact is one of three classes, and pydantic reports what is wrong with it as each of them: only the class that its
    `state` names counts. None for the faults of the others.
    """
    place, value = "", document
    for part in location:
        if isinstance(part, str) and part.startswith(tuple(_STATES)):
            state = value.get("state") if isinstance(value, dict) else None
            if state not in _STATES.values():
                return (
                    f"{place}: state must be known, absent or unknown, and this is {_short(value)}"
                )
            if not part.startswith(next(name for name, word in _STATES.items() if word == state)):
                return None
            continue
        if isinstance(part, int):
            place += f"[{part}]"
        elif part.startswith(("function-", "dict[", "tuple[")):
            continue
        else:
            place += f".{part}" if place else part
        value = _inside(value, part)
    return f"{place or 'document'}: {message}"


def _inside(value: Any, part: int | str) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
