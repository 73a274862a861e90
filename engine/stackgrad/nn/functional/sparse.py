"""Tables: embedding and one-hot."""

# ruff: noqa: ARG005  (every function of the table takes the array module first)
from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad.arrays import Array, checks, quiet
from stackgrad.kernels.cuda import gathering
from stackgrad.ops.indexing import add_rows
from stackgrad.ops.joining import stack
from stackgrad.ops.table import Op
from stackgrad.tensor import Tensor, wrap

__all__ = ["embedding", "embedding_bag", "one_hot"]

_embedding: Op = Op(
    "embedding",
    lambda xp, index, weight, *, padding_idx: weight[index],
    {
        "weight": lambda g, index, weight_shape, padding_idx: _embedding_back(
            g, index, rows=weight_shape[0], padding_idx=padding_idx
        )
    },
)
_embedding_back: Op = Op(
    "embedding_backward",
    lambda xp, h, index, *, rows, padding_idx: table_gradient(xp, h, index, rows, padding_idx),
    {"h": lambda g, index, padding_idx: embedding(index, g, padding_idx)},
)


def table_gradient(xp: Any, g: Any, index: Any, rows: int, padding_idx: int | None) -> Any:
    """Return (rows, dim): the rows of `g` added up by index, row `padding_idx` left at zero."""
    width = g.shape[-1]
    out = xp.zeros((rows, width), g.dtype)
    flat = index.reshape(-1)
    if flat.size and hasattr(xp, "memmap"):
        add_rows(out, flat, g.reshape(-1, width))
    elif flat.size:
        return gathering.embedding_slope(xp, g, index, rows, padding_idx)
    if padding_idx is not None:
        out[padding_idx] = 0
    return out


@checks
def _check_indices(index: Array, size: int) -> None:
    """Raise IndexError for an index that names no row; a GPU is not waited for."""
    if isinstance(index, np.ndarray) and index.size and not 0 <= index.min() <= index.max() < size:
        raise IndexError("index out of range in self")


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of `weight` (rows, dim) that `input` names; row `padding_idx` gets no gradient."""
    if sparse or scale_grad_by_freq:
        raise NotImplementedError(
            "embedding(sparse=, scale_grad_by_freq=) are not implemented in stackgrad"
        )
    if input.array.dtype.kind not in "iu":
        raise RuntimeError(
            f"Expected tensor for argument 'indices' to have an integer type, but got {input.dtype}"
        )
    size = weight.array.shape[0]
    quiet.run(_check_indices, input.array, size)
    if max_norm is not None:
        norms = weight.detach().norm(norm_type, 1, keepdim=True)
        used = wrap(quiet.run(input.device.xp.zeros, (size, 1), bool), input.device)
        used.array[input.array.reshape(-1)] = True
        scale = (max_norm / (norms + 1e-7)).clamp(max=1.0)
        weight.detach().copy_(
            (norms > max_norm).logical_and(used).to(weight.dtype) * (scale - 1) * weight.detach()
            + weight.detach()
        )
    if padding_idx is not None and padding_idx < 0:
        padding_idx += size
    return _embedding(input, weight, padding_idx=padding_idx)


def embedding_bag(  # noqa: PLR0917
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, mean or maximum of the rows of each bag: a row of `input`, or a piece from an offset on."""
    rows = embedding(input, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    if padding_idx is not None:
        padding_idx %= weight.array.shape[0]
    if offsets is None:
        pairs = [(row, index) for row, index in zip(rows.unbind(0), input.unbind(0), strict=True)]
    else:
        starts = offsets.tolist()
        starts, ends = (
            (starts[:-1], starts[1:])
            if include_last_offset
            else (
                starts,
                [*starts[1:], input.array.shape[0]],
            )
        )
        pairs = [(rows[a:b], input[a:b]) for a, b in zip(starts, ends, strict=True)]
    return stack([_bag(row, index, mode, padding_idx) for row, index in pairs])


def _bag(rows: Tensor, index: Tensor, mode: str, padding_idx: int | None) -> Tensor:
    """Return the sum, mean or maximum of the rows of one bag; zeros for an empty one."""
    if padding_idx is not None:
        rows = rows[index != padding_idx]
    if not rows.array.shape[0] or mode == "sum":
        return rows.sum(0)
    return rows.mean(0) if mode == "mean" else rows.amax(0)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return int64 zeros with a one at each class, as a new last dimension."""
    if tensor.array.size and int(tensor.array.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    count = int(tensor.array.max()) + 1 if num_classes == -1 else num_classes
    if tensor.array.size and int(tensor.array.max()) >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    xp = tensor.device.xp
    return wrap((tensor.array[..., None] == xp.arange(count)).astype("int64"), tensor.device)
