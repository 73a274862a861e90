"""What a list of calls can do without: repeated calls and dead ones, the bits unchanged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from stackgrad.arrays import quiet
from stackgrad.capture.tape import Array, Call, Value, numbers

_SMALL = 1 << 12  # elements of a constant that is kept


def drop_repeated(
    calls: Iterable[Call], arrays: Mapping[int, Array], kept_apart: set[int], wanted: set[int]
) -> tuple[list[Call], int]:
    """Let calls that were made before, with memory unwritten since, use the earlier results.

    Results that are written to, lie in the memories `kept_apart` or are `wanted` stay their own.
    """
    calls = list(calls)
    written = {memory for call in calls for memory in call.writes} | kept_apart
    versions: dict[int, int] = {}
    seen: dict[Any, Any] = {}
    renamed: dict[int, int] = {}
    found: list[Call] = []
    for call in calls:
        changed = call._replace(
            args=_rename(call.args, renamed), kwargs=_rename(call.kwargs, renamed)
        )
        read = sorted(set(numbers((changed.args, changed.kwargs))))
        results = list(numbers(call.results))
        if call.repeatable and not call.writes and results:
            state = tuple((n, versions.get(arrays[n].memory, 0)) for n in read if n in arrays)
            key = _key((call.function, changed.args, sorted(changed.kwargs.items()), state))
            earlier = None if key is None else seen.get(key)
            mine = {arrays[n].memory for n in results if n in arrays}
            inputs = {arrays[n].memory for n in read if n in arrays}
            own = not ((mine - inputs) & written) and all(n in arrays for n in results)
            own = own and not wanted & set(results)
            if earlier is not None and own:
                renamed.update(zip(results, numbers(earlier), strict=True))
                continue
            if key is not None and own:
                seen[key] = call.results
        elif "" in call.kwargs:
            seen.clear()  # the host may have written anywhere
        for memory in call.writes:
            versions[memory] = versions.get(memory, 0) + 1
        found.append(changed)
    return found, len(renamed)


def fold_constants(
    calls: Iterable[Call], arrays: Mapping[int, Array], kept_apart: set[int]
) -> tuple[list[Call], dict[int, Any]]:
    """Compute small arrays that depend on nothing once; return the other calls, and those by number."""
    calls = list(calls)
    written = {memory for call in calls for memory in call.writes} | kept_apart
    constants: dict[int, Any] = {}
    left = []
    for call in calls:
        made = arrays.get(call.results.number) if call.results.__class__ is Value else None
        read = set(numbers((call.args, call.kwargs)))
        pure = call.repeatable and not call.writes and read <= constants.keys()
        if (
            pure
            and made is not None
            and made.memory not in written
            and math.prod(made.shape) <= _SMALL
        ):
            args, kwargs = (_filled(v, constants) for v in (call.args, call.kwargs))
            constants[call.results.number] = quiet.run(call.function, *args, **kwargs)
        else:
            left.append(call)
    return left, constants


def _filled(value: Any, constants: Mapping[int, Any]) -> Any:
    if value.__class__ is Value:
        return constants[value.number]
    if isinstance(value, (tuple, list)):
        parts = [_filled(v, constants) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: _filled(v, constants) for key, v in value.items()}
    return value


def drop_dead(
    calls: Iterable[Call],
    arrays: Mapping[int, Array],
    wanted: Iterable[int],
    outside: Iterable[int],
) -> list[Call]:
    """Leave out calls whose results nobody reads and which write to nothing that lives on."""
    live = set(wanted)
    memories = {arrays[n].memory for n in (*live, *outside) if n in arrays}
    found = []
    for call in reversed(list(calls)):
        if call.repeatable and not (memories & call.writes or live & set(numbers(call.results))):
            continue
        read = set(numbers((call.args, call.kwargs)))
        live |= read
        memories |= {arrays[n].memory for n in read if n in arrays}
        found.append(call)
    return found[::-1]


def _rename(value: Any, renamed: dict[int, int]) -> Any:
    if value.__class__ is Value:
        number = value.number
        while number in renamed:
            number = renamed[number]
        return Value(number)
    if isinstance(value, (tuple, list)):
        parts = [_rename(v, renamed) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: _rename(v, renamed) for key, v in value.items()}
    return value


def _key(value: Any) -> Any:
    """Return something hashable that is equal for equal calls; None where there is no such thing."""
    try:
        hash(found := _frozen(value))
    except TypeError:
        return None
    return found


def _frozen(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, *(_frozen(v) for v in value))
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, float):
        return ("float", value.hex())
    if isinstance(value, np.generic):
        return (value.dtype.str, value.tobytes())
    return (type(value).__name__, value)
