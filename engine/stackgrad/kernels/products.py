"""Matrix products: by oneDNN where it is there, else by NumPy's BLAS, large ones shared among the threads."""

from __future__ import annotations

import math

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.libraries import onednn
from stackgrad.tuning import parallel, threads

_WORTH_SHARING = 1 << 22  # multiplications: some 80 microseconds on one core


def matmul(xp: ArrayModule, x: Array, y: Array, out: Array | None = None) -> Array:
    """Return x @ y of arrays of two or more dimensions; `out` must not overlap them."""
    if xp is not np:
        return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)
    rows, inner, columns = x.shape[-2], x.shape[-1], y.shape[-1]
    if x.ndim == y.ndim == 2:
        batch: tuple[int, ...] = ()
        work = rows * inner * columns
    else:
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        work = math.prod(batch) * rows * inner * columns
    if threads.count == 1 or work < _WORTH_SHARING:
        return multiply(x, y, out)
    if out is None:
        out = np.empty((*batch, rows, columns), np.result_type(x, y))
    if batch and x.shape[:-2] == y.shape[:-2] and batch[0] > 1:
        parallel(lambda a, b: multiply(x[a:b], y[a:b], out[a:b]), batch[0])
    elif rows >= columns or rows >= 128:
        parallel(lambda a, b: multiply(x[..., a:b, :], y, out[..., a:b, :]), rows, 32)
    else:
        parallel(lambda a, b: multiply(x, y[..., a:b], out[..., a:b]), columns, 32)
    return out


def product(xp: ArrayModule, x: Array, y: Array, out: Array | None = None) -> Array:
    """Return x @ y, computed by the thread that asks: what kernels share among the threads themselves."""
    if xp is np:
        return multiply(x, y, out)
    return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)


def multiply(x: Array, y: Array, out: Array | None = None) -> Array:
    """Return x @ y of NumPy arrays, computed by the thread that asks."""
    work = x.shape[-2] * x.shape[-1] * y.shape[-1]
    if x.dtype == np.float32 and work >= onednn.WORTH_A_CALL and onednn.library() is not None:
        if out is None:
            batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
            out = np.empty((*batch, x.shape[-2], y.shape[-1]), x.dtype)
        if x.ndim == y.ndim == 2:
            if onednn.multiply(x, y, out):
                return out
        else:
            for place in range(out.shape[0]):
                left = x if x.ndim < out.ndim else x[place % x.shape[0]]
                right = y if y.ndim < out.ndim else y[place % y.shape[0]]
                multiply(left, right, out[place])
            return out
    return np.matmul(x, y) if out is None else np.matmul(x, y, out=out)
