"""Matrix products, shared among the threads of the pool where they are large."""

from __future__ import annotations

import math

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.tuning import parallel, threads

_WORTH_SHARING = 1 << 22  # multiplications: some 80 microseconds on one core


def matmul(xp: ArrayModule, x: Array, y: Array, out: Array | None = None) -> Array:
    """Return x @ y of arrays of two or more dimensions; `out` must not overlap them."""
    if xp is not np or threads.count == 1:
        return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)
    rows, inner, columns = x.shape[-2], x.shape[-1], y.shape[-1]
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if math.prod(batch) * rows * inner * columns < _WORTH_SHARING:
        return np.matmul(x, y) if out is None else np.matmul(x, y, out=out)
    if out is None:
        out = np.empty((*batch, rows, columns), x.dtype)
    if batch and x.shape[:-2] == y.shape[:-2] and batch[0] > 1:
        parallel(lambda a, b: np.matmul(x[a:b], y[a:b], out=out[a:b]), batch[0])
    elif rows >= columns or rows >= 128:
        parallel(lambda a, b: np.matmul(x[..., a:b, :], y, out=out[..., a:b, :]), rows, 32)
    else:
        parallel(lambda a, b: np.matmul(x, y[..., a:b], out=out[..., a:b]), columns, 32)
    return out
