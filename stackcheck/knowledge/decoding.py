"""Compiled rows back to dataclasses, without pydantic: by the field types, once per class."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar

from stackcheck.knowledge.fields import Text

__all__ = ["decode"]

T = TypeVar("T")
_Decoder = Callable[[Any], Any]


def decode(cls: Callable[..., T], row: Mapping[str, Any]) -> T:
    """Make the dataclass from what its validated form was written as; missing keys keep their defaults."""
    decoders = _decoders(cls)
    return cls(**{key: decoders[key](value) for key, value in row.items()})


@lru_cache(maxsize=64)
def _decoders(cls: Any) -> dict[str, _Decoder]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {entry.name: _decoder(hints[entry.name]) for entry in fields(cls)}


_PLAIN: dict[Any, _Decoder] = {int: int, float: float}
"""Types that JSON cannot keep in the keys of a mapping."""


def _identity(value: Any) -> Any:
    return value


def _decoder(hint: Any) -> _Decoder:
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
        key, item = _decoder(arguments[0]), _decoder(arguments[1])
        return lambda values: {key(name): item(value) for name, value in values.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda row: decode(hint, row)
    return _PLAIN.get(hint, _identity)
