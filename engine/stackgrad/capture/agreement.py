"""Whether two runs of a step did the same, and what of it came from outside."""

from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad.capture.tape import Tape
from stackgrad.tensor import Tensor


def difference(before: Tape, after: Tape) -> str | None:
    """Say where two tapes differ; None if the second repeats the first on other memory."""
    apart = _between_calls(before, after)
    if apart is not None:
        return apart
    ends = [(t.outputs, [n for _, n in t.left]) for t in (before, after)]
    if ends[0] != ends[1] or not alike(before.result, after.result):
        return f"the step returned {_short(before.result)}, then {_short(after.result)}"
    for number, array in after.arrays.items():
        if before.arrays[number][:2] != array[:2]:
            reader = first_reader(after, number)
            return f"{reader} read {before.arrays[number][:2]}, then {array[:2]}"
    strange = [n for n in after.outside if not same_memory(before, after, n)]
    if strange:
        return f"{first_reader(after, strange[0])} read {_origin(after.outside[strange[0]])}"
    return None


def _between_calls(before: Tape, after: Tape) -> str | None:
    for a, b in zip(before.calls, after.calls, strict=False):
        if not alike(a.function, b.function):
            return f"{b.name} at {b.line} came in the place of {a.name} at {a.line}"
        for x, y in ((a.args, b.args), (a.kwargs, b.kwargs), (a.results, b.results)):
            if not alike(x, y):
                return f"{b.name} at {b.line} was given {_short(x)}, then {_short(y)}"
    longer = max(before.calls, after.calls, key=len)
    if len(before.calls) == len(after.calls):
        return None
    extra = longer[min(len(before.calls), len(after.calls))]
    return f"{extra.name} at {extra.line} was called in one run and not in the other"


def same_memory(before: Tape, after: Tape, number: int) -> bool:
    """Whether a value from outside was the same memory in both runs."""
    a, b = before.arrays.get(number), after.arrays.get(number)
    return a is not None and b is not None and a[2:5] == b[2:5]


def first_reader(tape: Tape, number: int) -> str:
    """Name the first call that reads a value, with its line."""
    for call in tape.calls:
        if f"Value(number={number})" in repr((call.args, call.kwargs)):
            return f"{call.name} at {call.line}"
    return "the end of the step"


def _origin(made: Any) -> str:
    """Say whose array this is, as far as the tensors that hold it can tell."""
    import gc

    for holder in gc.get_referrers(made):
        if isinstance(holder, Tensor):
            for leaf in gc.get_referrers(holder):
                if isinstance(leaf, Tensor) and leaf.grad is holder:
                    return "a gradient that the call before left"
    return "an array that no operation of this call made"


def alike(a: Any, b: Any) -> bool:
    """Whether two arguments are the same in both runs: numbers bit for bit, objects themselves."""
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, Tensor):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, (float, np.generic)):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return bool(a == b)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
