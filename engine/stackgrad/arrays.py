"""What the engine asks of an array library, and NumPy's warnings kept out of kernels."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])
Array: TypeAlias = Any  # numpy.ndarray, or cupy.ndarray where there is a GPU
ArrayModule: TypeAlias = Any  # numpy or cupy


class _Quiet(threading.local):
    """Runs a function with NumPy's floating-point warnings off, the process's own untouched.

    Infinities and NaNs are values here, as in PyTorch. NumPy 2 keeps the error state in a context
    variable: entering a private context costs a fifth of `numpy.errstate`.
    """

    def __init__(self) -> None:
        self.run: Callable[..., Any]
        if int(np.__version__.split(".")[0]) >= 2:
            context = contextvars.Context()
            context.run(np.seterr, all="ignore")
            self.run = context.run
        else:
            self.run = _run_with_errors_ignored


def _run_with_errors_ignored(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*args, **kwargs)


quiet = _Quiet()


def owns_memory(array: Array) -> bool:
    """Whether `array` is no view of another."""
    return array.base is None or getattr(array, "owns", False)


def checks(function: F) -> F:
    """Decorate a function that only looks at arrays and raises: a captured step looks at every replay.

    It is to be called by `quiet.run` and returns nothing.
    """
    function.checks = True  # type: ignore[attr-defined]
    return function


def call_directly(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Stand in for `quiet.run` where warnings are off already."""
    return function(*args, **kwargs)
