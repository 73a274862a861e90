"""Arrays that report what is done with them while a step is recorded.

Operations compute behind one door (`arrays.quiet.run`), where the tape stands. A `Watched` array sees to
what happens beside it: NumPy's functions are recorded like any other call, and a value that is to
leave for Python (`bool`, `int`, `tolist`) is refused, as a replay could not know it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from stackgrad.grad_mode import mode

if TYPE_CHECKING:
    from stackgrad.capture.tape import Tape

# methods that compute, and methods by which values leave
_COMPUTING = (
    *(
        "__copy__",
        "all",
        "any",
        "argmax",
        "argmin",
        "argsort",
        "astype",
        "byteswap",
        "choose",
        "clip",
    ),
    *(
        "compress",
        "conj",
        "copy",
        "cumprod",
        "cumsum",
        "diagonal",
        "dot",
        "flatten",
        "fill",
        "max",
        "mean",
    ),
    *(
        "min",
        "nonzero",
        "partition",
        "prod",
        "put",
        "ravel",
        "repeat",
        "reshape",
        "round",
        "searchsorted",
    ),
    *("sort", "std", "sum", "take", "trace", "var"),
)
_LEAVING = (
    *(
        "__bool__",
        "__complex__",
        "__contains__",
        "__dlpack__",
        "__float__",
        "__format__",
        "__index__",
    ),
    *("__int__", "__iter__", "__reduce__", "__reduce_ex__", "__repr__", "__str__", "dump", "dumps"),
    *("item", "tobytes", "tofile", "tolist"),
)
_LAYOUT = frozenset(
    (np.may_share_memory, np.shares_memory, np.ndim, np.shape, np.size, np.result_type, np.can_cast)
)


class Watched(np.ndarray):
    """A view of an array that belongs to a tape."""

    tape: Tape | None = None
    owns = False  # whether it stands for an array that is no view

    def __array_finalize__(self, source: Any) -> None:
        """Hand the tape on to views of a watched array."""
        self.tape = getattr(source, "tape", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Record a universal function, or one of its methods."""
        call = ufunc if method == "__call__" else getattr(ufunc, method)
        if "out" in kwargs and len(kwargs["out"]) == 1:
            kwargs["out"] = kwargs["out"][0]
        return _recorded(call, inputs, kwargs)

    def __array_function__(self, function: Any, _: Any, args: Any, kwargs: Any) -> Any:
        """Record a function of NumPy; what asks for the layout alone is answered."""
        if function in _LAYOUT:
            return function(*plain(args), **kwargs)
        return _recorded(function, args, kwargs)

    def __setitem__(self, key: Any, value: Any) -> None:
        _recorded(operator.setitem, (self, key, value), {})

    def __getitem__(self, key: Any) -> Any:
        """Return a view; what is selected by arrays, or is a number, is recorded."""
        if _is_basic(key):
            found = np.ndarray.__getitem__(self, key)
            if isinstance(found, np.ndarray):
                return found
        return _recorded(operator.getitem, (self, key), {})


def _is_basic(key: Any) -> bool:
    parts = key if isinstance(key, tuple) else (key,)
    return all(p is None or p is Ellipsis or isinstance(p, (int, np.integer, slice)) for p in parts)


def _tape_of(values: Any) -> Tape | None:
    for value in values:
        found = value.tape if isinstance(value, Watched) else None
        if found is None and isinstance(value, (tuple, list)):
            found = _tape_of(value)
        if found is not None and mode.tape is found:
            return found
    return None


def _recorded(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    tape = _tape_of((*args, *kwargs.values()))
    if tape is None:
        return function(*(plain(a) for a in args), **{k: plain(v) for k, v in kwargs.items()})
    return tape.call(function, *args, **kwargs)


def plain(value: Any) -> Any:
    """Return `value` with watched arrays, also those in tuples and lists, as NumPy's own."""
    if isinstance(value, Watched):
        return value.view(np.ndarray)
    if value.__class__ is tuple:
        return tuple(plain(v) for v in value)
    if value.__class__ is list:
        return [plain(v) for v in value]
    return value


def _computing(name: str) -> Callable[..., Any]:
    function = getattr(np.ndarray, name)

    def method(self: Watched, *args: Any, **kwargs: Any) -> Any:
        return _recorded(function, (self, *args), kwargs)

    method.__name__ = name
    return method


def _leaving(name: str) -> Callable[..., Any]:
    def method(self: Watched, *args: Any, **kwargs: Any) -> Any:
        if self.tape is not None and mode.tape is self.tape:
            self.tape.refuse(f"a value is read by Python ({name.strip('_')})")
        return getattr(plain(self), name)(*args, **kwargs)

    return method


for _name in _COMPUTING:
    setattr(Watched, _name, _computing(_name))
for _name in _LEAVING:
    setattr(Watched, _name, _leaving(_name))
