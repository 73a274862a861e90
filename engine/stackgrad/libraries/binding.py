"""Libraries of the user's own, found as CuPy finds them and called by ctypes.

A binding is a table of functions with their parameters in letters, each function's result being a status:

    p pointer or handle   i int or enumeration   l long long   z size_t   f float   d double
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

LETTERS: dict[str, Any] = {
    "p": ctypes.c_void_p,
    "i": ctypes.c_int,
    "l": ctypes.c_longlong,
    "z": ctypes.c_size_t,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}


class LibraryError(RuntimeError):
    """A library that is not there, or a call that failed: `function` and `status` say which and how."""

    def __init__(self, message: str, function: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.function, self.status = function, status


class Library:
    """A loaded library. Its functions are attributes, which raise LibraryError where the status is not 0."""

    def __init__(
        self,
        name: str,
        path: str,
        functions: Mapping[str, str],
        describe: Callable[[Any, int], str],
        by_value: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.path, self.describe = name, path, describe
        self.loaded = ctypes.CDLL(path)
        letters = {**LETTERS, **(by_value or {})}
        for function, parameters in functions.items():
            try:
                found = getattr(self.loaded, function)
            except AttributeError as error:
                raise LibraryError(
                    f"{path} has no {function}: another version of {name}?"
                ) from error
            found.argtypes, found.restype = [letters[p] for p in parameters], ctypes.c_int
            setattr(self, function, self._checked(function, found))

    def _checked(self, name: str, function: Any) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            status = function(*arguments)
            if status:
                what = self.describe(self.loaded, status)
                raise LibraryError(f"{name}: {what} ({self.name}, {self.path})", name, status)

        return call

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the binding of {self.name} has no {name}")


def locate(name: str, patterns: tuple[str, ...]) -> str:
    """Return the path of a library: by NVIDIA's pathfinder, as CuPy does, else by the patterns in `patterns`.

    Patterns are file names in the `nvidia` packages of this environment. LibraryError where nothing is found.
    """
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib
    except ImportError:
        reason = "cuda-pathfinder is not installed"
    else:
        try:
            return str(load_nvidia_dynamic_lib(name).abs_path)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
    for path in packaged(patterns):
        return str(path)
    for pattern in patterns:
        try:
            ctypes.CDLL(pattern.rstrip("*"))
        except OSError:
            continue
        return pattern.rstrip("*")
    raise LibraryError(f"{name} is not found: {reason}")


def packaged(patterns: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of the environment's `nvidia` packages that are named so, newest names first."""
    folders = {Path(entry) / "nvidia" for entry in sys.path if entry}
    for folder in sorted(f for f in folders if f.is_dir()):
        for pattern in patterns:
            yield from sorted(folder.glob(f"*/lib/{pattern}"), reverse=True)
            yield from sorted(folder.glob(f"*/bin/{pattern}"), reverse=True)
