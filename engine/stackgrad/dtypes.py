"""Element types, their names and how they mix.

The promotion rules are PyTorch's: bool < integer < floating point; a Python number or a tensor
without dimensions raises the category of the result, but never its width.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from stackgrad.arrays import Array

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "V": 2}


class dtype:  # noqa: N801  (PyTorch's name)
    """One element type; there is exactly one object per type, so `is` compares them."""

    __slots__ = ("category", "is_floating_point", "is_signed", "itemsize", "name", "numpy")

    is_complex = False

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self.numpy = np.dtype(kind)
        self.itemsize = self.numpy.itemsize
        self.category = _CATEGORY[self.numpy.kind]
        self.is_floating_point = self.category == 2
        self.is_signed = self.numpy.kind not in "bu"

    def __repr__(self) -> str:
        return f"stackgrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    def to_complex(self) -> dtype:
        """Complex numbers are not part of this engine."""
        raise NotImplementedError("stackgrad has no complex dtypes")


bool_ = dtype("bool", np.bool_)
uint8 = dtype("uint8", np.uint8)
int8 = dtype("int8", np.int8)
int16 = dtype("int16", np.int16)
int32 = dtype("int32", np.int32)
int64 = dtype("int64", np.int64)
float16 = dtype("float16", np.float16)
bfloat16 = dtype("bfloat16", ml_dtypes.bfloat16)
float32 = dtype("float32", np.float32)
float64 = dtype("float64", np.float64)

ALL = (bool_, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64)
_OF_NUMPY = {d.numpy: d for d in ALL}
_DEFAULT = [float32]


def of(array: Array) -> dtype:
    """Return the dtype of an array; TypeError if the engine has none for it."""
    return of_numpy(array.dtype)


def of_numpy(kind: Any) -> dtype:
    """Return the dtype that NumPy calls `kind`; TypeError if the engine has none for it."""
    try:
        return _OF_NUMPY[kind]
    except KeyError:
        found = _OF_NUMPY.get(np.dtype(kind))
    if found is None:
        raise TypeError(f"stackgrad has no dtype for NumPy's {kind}")
    return found


def get_default_dtype() -> dtype:
    """Return the dtype of tensors made from Python floats."""
    return _DEFAULT[0]


def set_default_dtype(d: dtype) -> None:
    """Set the dtype of tensors made from Python floats; only floating-point types are taken."""
    if not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, not {d}")
    _DEFAULT[0] = d


def of_scalar(value: Any) -> dtype:
    """Return the dtype that a Python or NumPy number has on its own."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _DEFAULT[0]
    raise TypeError(f"expected a number, not {type(value).__name__}")


def promote_types(a: dtype, b: dtype) -> dtype:
    """Return the smallest dtype to which both can be cast, as PyTorch's table has it."""
    if a is b:
        return a
    if a.category != b.category:
        return a if a.category > b.category else b
    if a.category == 2:
        return float32 if a.itemsize == b.itemsize else max(a, b, key=lambda d: d.itemsize)
    if a.is_signed == b.is_signed:
        return max(a, b, key=lambda d: d.itemsize)
    signed = a if a.is_signed else b
    return int16 if signed is int8 else signed  # the other is uint8


def result_type(*operands: Any) -> dtype:
    """Return the common dtype of tensors and numbers.

    Tensors with dimensions decide; those without, and then Python numbers, count only where they
    are of a higher category (a float beside integers).
    """
    ranked: list[dtype | None] = [None, None, None]
    for operand in operands:
        array = getattr(operand, "array", None)
        if array is None:
            rank, found = 2, of_scalar(operand)
        else:
            rank, found = (0 if array.ndim else 1), of(array)
        held = ranked[rank]
        ranked[rank] = found if held is None else promote_types(held, found)
    result: dtype | None = None
    for found_or_none in ranked:
        if found_or_none is None:
            continue
        if result is None or found_or_none.category > result.category:
            result = found_or_none
    if result is None:
        raise TypeError("result_type needs at least one operand")
    return result


class finfo:  # noqa: N801  (PyTorch's name)
    """Limits of a floating-point dtype: `eps`, `max`, `min`, `tiny`, `smallest_normal`, `bits`."""

    def __init__(self, d: dtype | None = None) -> None:
        d = d or _DEFAULT[0]
        info: Any = ml_dtypes.finfo(d.numpy)
        self.dtype = d.name
        self.bits = 8 * d.itemsize
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = float(info.resolution)


class iinfo:  # noqa: N801  (PyTorch's name)
    """Limits of an integer dtype: `max`, `min`, `bits`."""

    def __init__(self, d: dtype) -> None:
        info = np.iinfo(d.numpy)
        self.dtype, self.bits = d.name, 8 * d.itemsize
        self.max, self.min = int(info.max), int(info.min)
