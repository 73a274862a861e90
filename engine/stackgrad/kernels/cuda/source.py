"""The text of the kernels for one element type, and the parameters that each kernel has."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stackgrad import dtypes

HERE = Path(__file__).parent
FILES = ("rowwise.cu", "elementwise.cu", "batch.cu", "random.cu", "optimizer.cu", "gather.cu")
KINDS = {
    dtypes.float32.numpy: ("float", "float"),
    dtypes.float64.numpy: ("double", "double"),
    dtypes.float16.numpy: ("half_t", "float"),
    dtypes.bfloat16.numpy: ("bf16_t", "float"),
}  # NumPy's type: T and A of the sources
_DECLARATION = re.compile(r'extern "C" __global__ void (\w+)\(([^)]*)\)', re.DOTALL)
_SCALARS = {
    "i64": "int64",
    "u64": "uint64",
    "int": "int32",
    "float": "float32",
    "double": "float64",
}


class Parameter(NamedTuple):
    """A parameter of a kernel: its name, C's type, and NumPy's where it is passed by value."""

    name: str
    type: str
    value: np.dtype[Any] | None


def accumulator(kind: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which kernels for `kind` form sums."""
    return np.dtype("float64" if KINDS[kind][1] == "double" else "float32")


@functools.cache
def holding(kernel: str) -> str:
    """Return the text of the file that holds a kernel: what is compiled when it is first used."""
    for name in FILES:
        if f" {kernel}(" in text((name,)):
            return text((name,))
    raise KeyError(kernel)


@functools.cache
def text(files: tuple[str, ...] = FILES) -> str:
    """Return the kernels of some files without the definitions of T and A."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in files)


@functools.cache
def common() -> str:
    """Return what all kernels share."""
    return (HERE / "common.cuh").read_text(encoding="utf-8")


def complete(body: str, kind: np.dtype[Any]) -> str:
    """Return a program for elements of `kind`: `common.cuh` and `body`, with T and A defined."""
    element, sum_ = KINDS[kind]
    return f"#define T {element}\n#define A {sum_}\n{common()}\n{body}"


@functools.cache
def signatures(body: str, kind: np.dtype[Any]) -> dict[str, tuple[Parameter, ...]]:
    """Return the parameters of every kernel in a source; ValueError for a type that is not known."""
    found = {}
    for name, inside in _DECLARATION.findall(body):
        found[name] = tuple(_parameter(name, part, kind) for part in inside.split(","))
    return found


def _parameter(kernel: str, text: str, kind: np.dtype[Any]) -> Parameter:
    words = text.replace("*", "* ").split()
    type_, name = " ".join(words[:-1]), words[-1]
    if type_.endswith("*"):
        return Parameter(name, type_, None)
    if type_ == "A":
        return Parameter(name, type_, accumulator(kind))
    if type_ == "Window":
        return Parameter(name, type_, np.dtype(("int64", 12)))
    if type_ not in _SCALARS:
        raise ValueError(
            f"kernel {kernel}: a parameter of the type {type_!r}; known are pointers, A and {[*_SCALARS]}"
        )
    return Parameter(name, type_, np.dtype(_SCALARS[type_]))
