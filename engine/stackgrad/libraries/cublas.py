"""cuBLAS: products in any precision with transposed operands and batches, legal while a graph is captured.

CuPy refuses cuBLAS under capture, multiplies batches of float16 in float32 and those of bfloat16 as integers;
this calls the library itself. Declarations follow `cublas_api.h` of CUDA 12 and 13. Not verified on hardware.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any, NamedTuple

import numpy as np

from stackgrad import dtypes
from stackgrad.arrays import Array, ArrayModule
from stackgrad.libraries.binding import Library, locate

_PATTERNS = ("libcublas.so.1[0-9]", "cublas64_*.dll")
FUNCTIONS = {
    "cublasCreate_v2": "p",
    "cublasDestroy_v2": "p",
    "cublasGetVersion_v2": "pp",
    "cublasSetStream_v2": "pp",
    "cublasSetWorkspace_v2": "ppz",
    "cublasGemmEx": "piiiiippiipiippiiii",
    "cublasGemmStridedBatchedEx": "piiiiippiilpiilppiiliii",
}
_NO, _TRANSPOSED = 0, 1  # cublasOperation_t
_TYPES = {  # cudaDataType_t and cublasComputeType_t: sums are formed in float32 or float64
    dtypes.float32.numpy: (0, 68),
    dtypes.float64.numpy: (1, 70),
    dtypes.float16.numpy: (2, 68),
    dtypes.bfloat16.numpy: (14, 68),
}
_DEFAULT = -1  # cublasGemmAlgo_t
_MOST = (1 << 31) - 1


@functools.cache
def library() -> Library:
    """Return the binding; LibraryError where the library is not found."""
    return Library("cuBLAS", locate("cublas", _PATTERNS), FUNCTIONS, _describe)


def version() -> str:
    """Return the library's version, without a GPU."""
    found = ctypes.c_int()
    loaded = library().loaded
    loaded.cublasGetProperty.argtypes, numbers = [ctypes.c_int, ctypes.c_void_p], []
    for part in range(3):  # libraryPropertyType: major, minor, patch
        loaded.cublasGetProperty(part, ctypes.byref(found))
        numbers.append(str(found.value))
    return ".".join(numbers)


def _describe(loaded: ctypes.CDLL, status: int) -> str:
    loaded.cublasGetStatusString.restype = ctypes.c_char_p
    text: bytes = loaded.cublasGetStatusString(status) or b""
    return text.decode()


class Operand(NamedTuple):
    """How cuBLAS is to read a matrix: transposed or not, its leading dimension, and the step to the next one."""

    transposed: int
    leading: int
    step: int


class Product(NamedTuple):
    """`batch` products of (rows, inner) by (inner, columns), in row-major order."""

    rows: int
    inner: int
    columns: int
    batch: int
    left: Operand
    right: Operand


def plan(left: Array, right: Array) -> Product | None:
    """Return how to multiply arrays of two or more dimensions; None where one must first be copied without gaps."""
    rows, inner = left.shape[-2:]
    columns = right.shape[-1]
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    steps = [_batch_step(x, batch) for x in (left, right)]
    seen = [_matrix(x) for x in (left, right)]
    if any(part is None for part in (*steps, *seen)):
        return None
    a, b = (
        Operand(*m, s) for m, s in zip(seen, steps, strict=True) if m is not None and s is not None
    )
    count = math.prod(batch)
    if count > 1 and b.step == 0 and not a.transposed and a.step == rows * a.leading:
        a, rows, count = a._replace(step=0), rows * count, 1  # one weight for the whole batch
    if max(rows, inner, columns, count, a.leading, b.leading) > _MOST:
        return None
    return Product(rows, inner, columns, count, a, b)


def _matrix(x: Array) -> tuple[int, int] | None:
    """Return (transposed, leading dimension) of the last two dimensions; None where neither has stride 1."""
    rows, columns = x.shape[-2:]
    down, right = (s // x.itemsize for s in x.strides[-2:])
    if columns == 1:
        right = 1
    if rows == 1:
        down = max(columns, 1)
    if right == 1 and down >= max(columns, 1):
        return _NO, down
    if rows > 1 and columns > 1 and down == 1 and right >= rows:
        return _TRANSPOSED, right
    return None


def _batch_step(x: Array, batch: tuple[int, ...]) -> int | None:
    """Return the one step between matrices over all batch dimensions, 0 for one matrix; None if there is none."""
    shape = (1,) * (len(batch) - x.ndim + 2) + tuple(x.shape[:-2])
    strides = (0,) * (len(batch) - x.ndim + 2) + tuple(s // x.itemsize for s in x.strides[:-2])
    step: int | None = None
    beyond = 1  # matrices per index of this dimension
    for size, own, stride in reversed(list(zip(batch, shape, strides, strict=True))):
        if size == 1:
            continue
        each = 0 if own == 1 else stride
        if step is None:
            step = each
        elif each != step * beyond:
            return None
        beyond *= size
    return step or 0


class Products:
    """`matmul` on the GPU: one handle with a workspace per device and stream, made at the first use."""

    def __init__(self, cupy: ArrayModule) -> None:
        self.cupy, self.library = cupy, library()
        self.handles: dict[tuple[int, int], tuple[Any, Any]] = {}
        self.numbers = {
            kind: tuple(ctypes.byref(letter(v)) for v in (1.0, 0.0))
            for kind, letter in ((68, ctypes.c_float), (70, ctypes.c_double))
        }

    def handle(self) -> Any:
        """Return the handle of the current device and stream."""
        cuda = self.cupy.cuda
        key = cuda.runtime.getDevice(), cuda.get_current_stream().ptr
        found = self.handles.get(key)
        if found is None:
            made = ctypes.c_void_p()
            self.library.cublasCreate_v2(ctypes.byref(made))
            self.library.cublasSetStream_v2(made, key[1])
            # NVIDIA's advice: 32 MiB from Hopper on, 4 MiB before; a workspace of its own makes capture legal
            size = (32 if int(cuda.Device().compute_capability) >= 90 else 4) << 20
            workspace = cuda.alloc(size)
            self.library.cublasSetWorkspace_v2(made, workspace.ptr, size)
            found = self.handles[key] = (made, workspace)
        return found[0]

    def matmul(self, x: Array, y: Array, out: Array | None = None) -> Array:
        """Return x @ y with NumPy's rules; what cuBLAS has not (integers) CuPy multiplies."""
        xp = self.cupy
        if (
            x.dtype != y.dtype
            or x.dtype not in _TYPES
            or not (x.ndim and y.ndim and x.size and y.size)
        ):
            return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)
        left = x[None] if x.ndim == 1 else x
        right = y[:, None] if y.ndim == 1 else y
        product = plan(left, right)
        if product is None:
            left, right = xp.ascontiguousarray(left), xp.ascontiguousarray(right)
            product = plan(left, right)
            if product is None:  # broadcast batches that no single step describes
                return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        shape = (*batch, left.shape[-2], right.shape[-1])
        fits = out is not None and x.ndim > 1 and y.ndim > 1 and out.flags.c_contiguous
        target = out if fits and out is not None else xp.empty(shape, x.dtype)
        self.run(product, left, right, target)
        if x.ndim == 1 or y.ndim == 1:
            kept = [n for n, one in ((shape[-2], x.ndim == 1), (shape[-1], y.ndim == 1)) if not one]
            target = target.reshape(*batch, *kept)
        if out is not None and target is not out:
            out[...] = target
            return out
        return target

    def run(self, product: Product, left: Array, right: Array, out: Array) -> None:
        """Multiply. cuBLAS counts columns first: what it sees are the transposed matrices, in the other order."""
        kind, compute = _TYPES[left.dtype]
        one, zero = self.numbers[compute]
        a, b = product.left, product.right
        operations = (b.transposed, a.transposed, product.columns, product.rows, product.inner, one)
        pointers = right.data.ptr, left.data.ptr, out.data.ptr
        if product.batch == 1:
            self.library.cublasGemmEx(
                self.handle(), *operations,
                pointers[0], kind, b.leading, pointers[1], kind, a.leading,
                zero, pointers[2], kind, product.columns, compute, _DEFAULT,
            )  # fmt: skip
            return
        self.library.cublasGemmStridedBatchedEx(
            self.handle(), *operations,
            pointers[0], kind, b.leading, b.step, pointers[1], kind, a.leading, a.step,
            zero, pointers[2], kind, product.columns, product.rows * product.columns,
            product.batch, compute, _DEFAULT,
        )  # fmt: skip
