"""Compiled values back to the types of a dataclass's fields, without pydantic."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any

from stackcheck.knowledge.fields import Text
from stackcheck.knowledge.packing import defaults_of, instance_of

__all__ = ["decoders_of"]

Decoder = Callable[[Any], Any]


def decoders_of(cls: Any) -> dict[str, Decoder]:
    """Return, for each field of a dataclass, what makes its value of the JSON that it was written as."""
    return _decoders_of(cls)


@lru_cache(maxsize=64)
def _decoders_of(cls: Any) -> dict[str, Decoder]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {entry.name: _decoder(hints[entry.name]) for entry in fields(cls)}


def _identity(value: Any) -> Any:
    return value


def _decoder(hint: Any) -> Decoder:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        inner = _decoder(next(part for part in arguments if part is not NoneType))
        return lambda value: None if value is None else inner(value)
    if origin is Annotated:
        text = next(part for part in arguments[1:] if isinstance(part, Text))
        return text.decode
    if origin is tuple:
        item = _decoder(arguments[0])
        return lambda values: tuple(map(item, values))
    if origin is Mapping:
        item = _decoder(arguments[1])
        return lambda values: {key: item(value) for key, value in values.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        decoders, defaults = decoders_of(hint), defaults_of(hint)
        return lambda row: instance_of(
            hint, {**defaults, **{key: decoders[key](value) for key, value in row.items()}}
        )
    return _identity
