"""Products of float8 (E4M3) by cuBLASLt, which neither NumPy nor CuPy has. Not verified on hardware.

Names, numbers and sizes are those of `cublasLt.h` 12 and 13. cuBLASLt counts columns first and multiplies float8 only
with its first matrix transposed: given two matrices by rows it returns the transposed product of one with the other's
transpose.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FP8_MAX", "Fp8Product", "Fp8Unavailable"]

FP8_MAX = 448.0
"""Largest number of E4M3."""
_BF16, _F32, _E4M3 = 14, 0, 28  # cudaDataType
_COMPUTE_32F = 68
_TRANSPOSE_A, _WORKSPACE_BYTES = 3, 1  # attributes of the description, and of the preference
_WORKSPACE = 32 << 20
_HEURISTIC_BYTES = 96
"""Size of cublasLtMatmulHeuristicResult_t, which begins with the algorithm."""
_POINTER, _INT, _LONG, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_size_t
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cublasLtCreate": (_POINTER,),
    "cublasLtDestroy": (_POINTER,),
    "cublasLtMatmulDescCreate": (_POINTER, _INT, _INT),
    "cublasLtMatmulDescSetAttribute": (_POINTER, _INT, _POINTER, _SIZE),
    "cublasLtMatmulDescDestroy": (_POINTER,),
    "cublasLtMatrixLayoutCreate": (_POINTER, _INT, ctypes.c_uint64, ctypes.c_uint64, _LONG),
    "cublasLtMatrixLayoutDestroy": (_POINTER,),
    "cublasLtMatmulPreferenceCreate": (_POINTER,),
    "cublasLtMatmulPreferenceSetAttribute": (_POINTER, _INT, _POINTER, _SIZE),
    "cublasLtMatmulPreferenceDestroy": (_POINTER,),
    "cublasLtMatmulAlgoGetHeuristic": (*(_POINTER,) * 7, _INT, _POINTER, _POINTER),
    "cublasLtMatmul": (*(_POINTER,) * 14, _SIZE, _POINTER),
}


class Fp8Unavailable(RuntimeError):
    """cuBLASLt is not there, or does not multiply float8 on this GPU; the text says which."""


def _load() -> ctypes.CDLL:
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        library = ctypes.CDLL(load_nvidia_dynamic_lib("cublasLt").abs_path)
        for name, parameters in _SIGNATURES.items():
            getattr(library, name).argtypes = parameters
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise Fp8Unavailable(f"cuBLASLt cannot be used: {error}") from error
    return library


class Fp8Product:
    """The product of `left` (m, k) and the transpose of `right` (n, k), both E4M3 as bytes, in bfloat16.

    m, n and k are multiples of 16. `launch` computes it into `transposed` (n, m), bfloat16 as two-byte words. Raises
    `Fp8Unavailable`.
    """

    def __init__(
        self, cupy: Any, left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8]
    ) -> None:
        self._cupy, self._library = cupy, _load()
        self._handles: list[tuple[str, ctypes.c_void_p]] = []
        rows, depth = left.shape
        columns = len(right)
        self._left, self._right = cupy.asarray(left), cupy.asarray(right)
        self.transposed = cupy.zeros((columns, rows), cupy.uint16)
        self._workspace = cupy.empty(_WORKSPACE, cupy.uint8)
        self._one, self._zero = ctypes.c_float(1.0), ctypes.c_float(0.0)
        self._handle = self._create("cublasLt")
        self._describe(rows, columns, depth)

    def _describe(self, rows: int, columns: int, depth: int) -> None:
        """Describe the product, and ask the library how it would compute it."""
        self._product = self._create("cublasLtMatmulDesc", _COMPUTE_32F, _F32)
        self._set("cublasLtMatmulDesc", self._product, _TRANSPOSE_A, ctypes.c_int32(1))
        self._layouts = [
            self._create("cublasLtMatrixLayout", kind, high, wide, high)
            for kind, high, wide in (
                (_E4M3, depth, rows),
                (_E4M3, depth, columns),
                (_BF16, rows, columns),
            )
        ]
        wish = self._create("cublasLtMatmulPreference")
        self._set("cublasLtMatmulPreference", wish, _WORKSPACE_BYTES, ctypes.c_uint64(_WORKSPACE))
        self._algorithm = ctypes.create_string_buffer(_HEURISTIC_BYTES)
        found = ctypes.c_int(0)
        left, right, result = self._layouts
        status = self._library.cublasLtMatmulAlgoGetHeuristic(
            self._handle, self._product, left, right, result, result, wish, 1,
            self._algorithm, ctypes.byref(found),
        )  # fmt: skip
        if status or not found.value:
            raise Fp8Unavailable(f"cuBLASLt does not multiply float8 here (status {status})")

    def launch(self) -> None:
        """Compute it once on the current stream, without waiting."""
        left, right, result = self._layouts
        target = self.transposed.data.ptr
        status = self._library.cublasLtMatmul(
            self._handle, self._product, ctypes.byref(self._one),
            self._left.data.ptr, left, self._right.data.ptr, right, ctypes.byref(self._zero),
            target, result, target, result, self._algorithm,
            self._workspace.data.ptr, _WORKSPACE, self._cupy.cuda.get_current_stream().ptr,
        )  # fmt: skip
        if status:
            raise Fp8Unavailable(f"cublasLtMatmul ended with status {status}")

    def _create(self, kind: str, *settings: int) -> ctypes.c_void_p:
        handle = ctypes.c_void_p()
        status = getattr(self._library, f"{kind}Create")(ctypes.byref(handle), *settings)
        if status:
            raise Fp8Unavailable(f"{kind}Create ended with status {status}")
        self._handles.append((kind, handle))
        return handle

    def _set(self, kind: str, handle: ctypes.c_void_p, attribute: int, value: Any) -> None:
        status = getattr(self._library, f"{kind}SetAttribute")(
            handle, attribute, ctypes.byref(value), ctypes.sizeof(value)
        )
        if status:
            raise Fp8Unavailable(f"{kind}SetAttribute({attribute}) ended with status {status}")

    def close(self) -> None:
        """Give everything back, the library's handle last."""
        while self._handles:
            kind, handle = self._handles.pop()
            getattr(self._library, f"{kind}Destroy")(handle)
