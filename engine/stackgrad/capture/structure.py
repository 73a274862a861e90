"""Tensors in tuples, lists and dicts: taken out, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from stackgrad.tensor import Tensor


class Place(NamedTuple):
    """Where the tensor of this number was."""

    number: int


def flatten(value: Any, tensors: list[Tensor]) -> Any:
    """Append the tensors in `value` to `tensors`; return it with a `Place` for each of them."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return Place(len(tensors) - 1)
    if isinstance(value, dict):
        return {key: flatten(part, tensors) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [flatten(part, tensors) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def rebuild(value: Any, tensors: list[Tensor]) -> Any:
    """Put tensors back where `flatten` took them from."""
    if value.__class__ is Place:
        return tensors[value.number]
    if isinstance(value, dict):
        return {key: rebuild(part, tensors) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [rebuild(part, tensors) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Yield what is in tuples, lists and dicts."""
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, (tuple, list)) and value.__class__ is not Place:
        for part in value:
            yield from leaves(part)
    else:
        yield value
