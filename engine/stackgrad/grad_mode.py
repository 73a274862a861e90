"""Whether operations are recorded: per thread, as context managers and decorators."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class Mode(threading.local):
    """Whether operations are recorded, whether the graph looks for NaN, and who captures (per thread)."""

    enabled = True
    anomaly = False
    first_nan: Any = None  # the node whose result had it, while anomalies are looked for
    tape: Any = None  # of `stackgrad.capture`, while a step is recorded


mode = _mode = Mode()


class set_grad_enabled:  # noqa: N801  (PyTorch's name)
    """Turn recording on or off: as a statement, a context manager or a decorator."""

    def __init__(self, mode: bool) -> None:
        self.enabled, self.previous = bool(mode), _mode.enabled
        _mode.enabled = self.enabled

    def __enter__(self) -> None:
        mode.enabled = self.enabled

    def __exit__(self, *_: object) -> None:
        mode.enabled = self.previous

    def __call__(self, function: F) -> F:
        """Decorate `function`, which then runs in this mode."""
        mode.enabled = self.previous
        return _decorate(lambda: set_grad_enabled(self.enabled), function)


class no_grad:  # noqa: N801  (PyTorch's name)
    """Context manager and decorator in which nothing is recorded."""

    _enabled = False

    def __new__(cls, function: Any = None) -> Any:
        """Decorate `function` where one is given: `@no_grad` works like `@no_grad()`."""
        manager = super().__new__(cls)
        return manager if function is None else manager(function)

    def __enter__(self) -> None:
        self._previous = mode.enabled
        mode.enabled = self._enabled

    def __exit__(self, *_: object) -> None:
        mode.enabled = self._previous

    def __call__(self, function: F) -> F:
        """Decorate `function`, which then runs in this mode."""
        return _decorate(type(self), function)


class enable_grad(no_grad):  # noqa: N801  (PyTorch's name)
    """Context manager and decorator in which operations are recorded again."""

    _enabled = True


def replayed(method: F) -> F:
    """Decorate a method that keeps numbers on the host: a captured step calls it at every replay.

    It may read its tensor arguments, and the gradients of the optimizers among its arguments.
    """
    import functools

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mode.tape is None:
            return method(self, *args, **kwargs)
        return mode.tape.host(method, (self, *args), kwargs)

    return cast("F", wrapper)


def literal(array: Any) -> Any:
    """Return `array`, which was made of Python's numbers alone: to a captured step it is a constant."""
    return array if mode.tape is None else mode.tape.literal(array)


def refuse_capture(what: str) -> None:
    """Raise CaptureError where a captured step does `what`."""
    if mode.tape is not None:
        mode.tape.refuse(what)


def _decorate(manager: Callable[[], Any], function: F) -> F:
    import functools
    import inspect

    if inspect.isgeneratorfunction(function):

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            steps = function(*args, **kwargs)
            while True:
                with manager():
                    try:
                        item = next(steps)
                    except StopIteration as stop:
                        return stop.value
                yield item
    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with manager():
                return function(*args, **kwargs)

    return cast("F", functools.wraps(function)(wrapper))
