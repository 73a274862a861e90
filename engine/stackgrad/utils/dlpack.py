"""Sharing memory with other libraries by DLPack, bfloat16 included, which NumPy's own does not know.

A capsule holds a pointer to a `DLManagedTensor` (https://dmlc.github.io/dlpack/latest/c_api.html). For
bfloat16 NumPy exports and imports 16-bit integers, and the type code in the structure is set here.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.device import Device
from stackgrad.tensor import Tensor, wrap

__all__ = ["from_dlpack", "to_dlpack"]

_CPU, _CUDA, _CUDA_HOST, _CUDA_MANAGED = 1, 2, 3, 13  # DLDeviceType
_UINT, _BFLOAT = 1, 4  # DLDataTypeCode


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
    )


class _Version(ctypes.Structure):
    _fields_ = (("major", ctypes.c_uint32), ("minor", ctypes.c_uint32))


class _Versioned(ctypes.Structure):
    """Since DLPack 1.0 the tensor comes last."""

    _fields_ = (
        ("version", _Version),
        ("manager_ctx", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _DLTensor),
    )


_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.argtypes, _is_valid.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_int
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.argtypes, _pointer.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p


def _described(capsule: Any) -> _DLTensor:
    """Return the structure in a capsule that nobody has taken yet."""
    if _is_valid(capsule, b"dltensor_versioned"):
        return _Versioned.from_address(_pointer(capsule, b"dltensor_versioned")).tensor  # type: ignore[no-any-return]
    return _DLTensor.from_address(_pointer(capsule, b"dltensor"))


class _Recast:
    """A capsule handed on with another type code."""

    def __init__(self, capsule: Any, device: Any) -> None:
        self.capsule, self.device = capsule, device

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> Any:
        return self.device


def to_dlpack(tensor: Tensor, **options: Any) -> Any:
    """Return a capsule that shares the tensor's memory; RuntimeError for one that requires grad."""
    if tensor.requires_grad:
        raise RuntimeError(
            "Can't export tensors that require gradient, use tensor.detach() before exporting"
        )
    array = tensor.array
    if tensor.is_cuda or tensor.dtype is not dtypes.bfloat16:
        return array.__dlpack__(**options)
    capsule = array.view(np.uint16).__dlpack__(**options)
    _described(capsule).code = _BFLOAT
    return capsule


def from_dlpack(source: Any) -> Tensor:
    """Return a tensor that shares the memory of any object that speaks DLPack, or of a capsule.

    Raises BufferError for memory of other devices, TypeError for element types that the engine has not.
    """
    if hasattr(source, "__dlpack_device__"):
        kind, index = (int(v) for v in source.__dlpack_device__())
    else:  # a capsule tells its device itself
        found = _described(source)
        kind, index = found.device_type, found.device_id
        source = _Recast(source, (kind, index))
    if kind in (_CUDA, _CUDA_MANAGED):
        device = Device("cuda", index)
        array = device.xp.from_dlpack(source)
    elif kind in (_CPU, _CUDA_HOST):
        device, array = Device("cpu"), _import(source)
    else:
        raise BufferError(f"stackgrad has no device of DLPack's type {kind}")
    dtypes.of(array)
    return wrap(array, device)


def _import(source: Any) -> Any:
    try:  # a capsule since DLPack 1.0 says whether it may be written to; NumPy writes to no other
        capsule = source.__dlpack__(max_version=(1, 0))
    except TypeError:
        capsule = source.__dlpack__()
    described = _described(capsule)
    is_bfloat = (described.code, described.bits) == (_BFLOAT, 16)
    if is_bfloat:
        described.code = _UINT
    array = np.from_dlpack(_Recast(capsule, (_CPU, 0)))
    return array.view(dtypes.bfloat16.numpy) if is_bfloat else array
