"""oneDNN for the CPU (`pip install onednn-cpu-gomp`), by ctypes: optional, found at the first large product.

Called from several threads at once, each with one OpenMP thread: the engine's pool is the one owner of
the threads. Declarations follow oneDNN's C API of version 3 (https://uxlfoundation.github.io/oneDNN).
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from ctypes import c_char, c_float, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from stackgrad.arrays import Array

_DISTRIBUTIONS = ("onednn-cpu-gomp", "onednn-cpu-iomp")
_NAME = "libdnnl.so.3"
WORTH_A_CALL = 1 << 19  # multiplications: what the call itself costs, some 3 microseconds


class _Version(ctypes.Structure):
    _fields_ = (("major", c_int), ("minor", c_int), ("patch", c_int), ("hash", ctypes.c_char_p))


class Library:
    """A loaded copy: its path, its version and its functions."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.functions = ctypes.CDLL(path)
        self.functions.dnnl_version.restype = ctypes.POINTER(_Version)
        found = self.functions.dnnl_version().contents
        self.version = f"{found.major}.{found.minor}.{found.patch}"
        if found.major != 3:
            raise OSError(f"{path} is oneDNN {self.version}, not 3")
        self.sgemm = self.functions.dnnl_sgemm
        matrix: list[Any] = [c_void_p, c_int64]
        self.sgemm.argtypes = [
            *(c_char, c_char, c_int64, c_int64, c_int64, c_float),
            *(*matrix, *matrix, c_float, *matrix),
        ]


class _Choice:
    """Whether oneDNN is to be used, and why there is none."""

    def __init__(self) -> None:
        self.enabled = os.environ.get("STACKGRAD_ONEDNN", "1") != "0"
        self.why = ""


choice = _Choice()


def enable(wanted: bool) -> None:
    """Use oneDNN where it is found, or NumPy alone."""
    choice.enabled = wanted


def library() -> Library | None:
    """Return oneDNN; None where it is switched off or not found, `choice.why` telling the reason."""
    return _find() if choice.enabled else None


def why_not() -> str:
    """Return why oneDNN is not used."""
    return choice.why if choice.enabled else "switched off"


@functools.cache
def _find() -> Library | None:
    if not sys.platform.startswith("linux"):
        choice.why = "the binding is for Linux"
        return None
    faults = []
    for path in _candidates():
        try:
            return Library(path)
        except OSError as error:
            faults.append(str(error))
    choice.why = faults[0] if faults else "not installed: `pip install onednn-cpu-gomp`"
    return None


def _candidates() -> Iterator[str]:
    """Yield where a copy may lie: as told, in a wheel, beside the interpreter, in the system."""
    if told := os.environ.get("STACKGRAD_ONEDNN_LIBRARY"):
        yield told
    for name in _DISTRIBUTIONS:
        try:
            files = importlib.metadata.files(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        yield from (str(f.locate()) for f in files if f.name == _NAME)
    beside = Path(sys.prefix, "lib", _NAME)
    if beside.exists():
        yield str(beside)
    yield _NAME


def limit_threads(count: int) -> None:
    """Let oneDNN work on `count` threads when it is called from this thread."""
    found = library()
    setter = None if found is None else getattr(found.functions, "omp_set_num_threads", None)
    if setter is not None:
        setter(count)


def multiply(x: Array, y: Array, out: Array) -> bool:
    """Write x @ y, two matrices of float32, into `out`; False where that is not oneDNN's."""
    if x.dtype != np.float32 or x.ndim != 2 or y.ndim != 2 or y.dtype != np.float32:
        return False
    (rows, inner), columns = x.shape, y.shape[1]
    if rows * inner * columns < WORTH_A_CALL or out.dtype != np.float32:
        return False
    found = library()
    if found is None:
        return False
    left, right, target = _layout(x), _layout(y), _layout(out)
    if left is None or right is None or target is None or target[0] != b"N":
        return False
    found.sgemm(
        *(left[0], right[0], rows, columns, inner, 1.0, address(x), left[1]),
        *(address(y), right[1], 0.0, address(out), target[1]),
    )
    return True


def _layout(x: Array) -> tuple[bytes, int] | None:
    """Return whether a matrix lies by rows ("N") or by columns ("T"), and the step between them."""
    (rows, columns), (down, right) = x.shape, x.strides
    if right == 4 and down >= 4 * columns and down % 4 == 0:
        return b"N", down // 4
    if down == 4 and right >= 4 * rows and right % 4 == 0:
        return b"T", right // 4
    return None


def address(x: Array) -> Any:
    """Return the address of the first element."""
    return x.__array_interface__["data"][0]
