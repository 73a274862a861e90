"""Order: extremes with their places, sorting, the largest, and sets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stackgrad import dtypes
from stackgrad.arrays import quiet
from stackgrad.ops.reduction import amax, amin
from stackgrad.ops.scattering import gather
from stackgrad.ops.table import Op, attach, function
from stackgrad.ops.views import dim_of
from stackgrad.tensor import Tensor, wrap


class Selected(NamedTuple):
    """Elements and where they stood."""

    values: Tensor
    indices: Tensor


_argmax: Op = Op("argmax", lambda xp, x, *, dim: xp.argmax(x, dim), {})
_argmin: Op = Op("argmin", lambda xp, x, *, dim: xp.argmin(x, dim), {})
_argsort: Op = Op(
    "argsort", lambda xp, x, *, dim, descending: sorted_places(xp, x, dim, descending), {}
)
_nonzero: Op = Op(
    "nonzero",
    lambda xp, x: xp.stack(xp.nonzero(x), 1) if x.ndim else xp.zeros((int(x != 0), 0), "int64"),
    {},
)


def sorted_places(xp: Any, x: Any, dim: int, descending: bool) -> Any:
    """Return the stable order along `dim`, NaN counted as largest."""
    if not descending:
        return xp.argsort(x, axis=dim, kind="stable")
    backwards = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
    return xp.flip(x.shape[dim] - 1 - backwards, dim)


def _place(op: Op, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is None:
        found = op(input.detach().reshape(-1), dim=0)
        return found.reshape((1,) * input.array.ndim) if keepdim else found
    if not input.array.ndim:
        return wrap(quiet.run(input.device.xp.zeros, (), "int64"), input.device)
    found = op(input, dim=dim_of(dim, input.array.ndim))
    return found.unsqueeze(dim_of(dim, input.array.ndim)) if keepdim else found


@function()
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return where the maximum stands; of equal ones the first."""
    return _place(_argmax, input, dim, keepdim)


@function()
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return where the minimum stands; of equal ones the first."""
    return _place(_argmin, input, dim, keepdim)


def _select(input: Tensor, indices: Tensor, dim: int, keepdim: bool) -> Selected:
    values = gather(input, dim, indices)
    if keepdim or not input.array.ndim:
        return Selected(values, indices)
    return Selected(values.squeeze(dim), indices.squeeze(dim))


def _extreme(
    input: Tensor,
    args: tuple[Any, ...],
    dim: Any,
    keepdim: bool,
    whole: Any,
    place: Any,
    pairwise: Any,
) -> Any:
    if len(args) > 1:
        dim, keepdim = args[0], args[1]
    elif args:
        if isinstance(args[0], Tensor):
            return pairwise(input, args[0])
        dim = args[0]
    if dim is None:
        return whole(input)
    return _select(input, place(input, dim, True), dim, keepdim)


@function()
def max(
    input: Tensor, *args: Any, dim: int | None = None, keepdim: bool = False, other: Any = None
) -> Any:
    """Return the maximum; with `dim` a pair of values and indices; with a tensor the larger of both."""
    args = args if other is None else (other,)
    return _extreme(input, args, dim, keepdim, amax, argmax, lambda a, b: a.maximum(b))


@function()
def min(
    input: Tensor, *args: Any, dim: int | None = None, keepdim: bool = False, other: Any = None
) -> Any:
    """Return the minimum; with `dim` a pair of values and indices; with a tensor the smaller of both."""
    args = args if other is None else (other,)
    return _extreme(input, args, dim, keepdim, amin, argmin, lambda a, b: a.minimum(b))


@function()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:  # noqa: ARG001
    """Return the indices that sort along `dim`; the order is always stable."""
    if not input.array.ndim:
        return wrap(quiet.run(input.device.xp.zeros, (), "int64"), input.device)
    return _argsort(input, dim=dim_of(dim, input.array.ndim), descending=descending)


@function()
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Selected:
    """Return the elements sorted along `dim`, and where they stood."""
    indices = argsort(input, dim, descending, stable)
    return Selected(gather(input, dim, indices), indices)


@function()
def msort(input: Tensor) -> Tensor:
    """Return the elements sorted along the first dimension."""
    return sort(input, 0).values


@function()
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,  # noqa: ARG001
) -> Selected:
    """Return the `k` largest (or smallest) along `dim`, in order, and where they stood."""
    if input.array.ndim and k > input.array.shape[dim]:
        raise RuntimeError("selected index k out of range")
    order = argsort(input, dim, largest)
    indices = order if not input.array.ndim else order.narrow(dim, 0, k).contiguous()
    return Selected(gather(input, dim, indices), indices)


@function()
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Selected:
    """Return the k-th smallest along `dim`, and where it stood."""
    order = argsort(input, dim)
    return _select(
        input, order if not input.array.ndim else order.narrow(dim, k - 1, 1), dim, keepdim
    )


@function()
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the (lower) median; with `dim` also where it stood."""
    if dim is None:
        flat = input.reshape(-1)
        return kthvalue(flat, (flat.array.size + 1) // 2).values
    size = input.array.shape[dim] if input.array.ndim else 1
    return kthvalue(input, (size + 1) // 2, dim, keepdim)


@function()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not zero, one row each, or one tensor per dimension."""
    if as_tuple and not input.array.ndim:
        input = input.reshape(1)
    found = _nonzero(input.detach())
    return found.unbind(1) if as_tuple else found


attach(argwhere=nonzero)


@function()
def unique(
    input: Tensor,
    sorted: bool = True,  # noqa: ARG001
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the different elements in order; if asked also the index of each, and the counts."""
    xp, device = input.device.xp, input.device
    values, inverse, counts = xp.unique(
        input.array, return_inverse=True, return_counts=True, axis=dim
    )
    inverse = inverse.reshape(input.array.shape if dim is None else -1)
    found = [wrap(values, device)]
    found += [wrap(inverse, device)] if return_inverse else []
    found += [wrap(counts, device)] if return_counts else []
    return found[0] if len(found) == 1 else tuple(found)


@function()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often every number from 0 on stands in `input`."""
    found = input.device.xp.bincount(
        input.array, None if weights is None else weights.array, minlength
    )
    return wrap(found, input.device)


@function(method=False)
def searchsorted(
    sorted_sequence: Tensor,
    values: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Return where `values` would be put into vectors sorted along the last dimension."""
    if sorter is not None:
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    right = side == "right" if side is not None else right
    if sorted_sequence.array.ndim > 1:  # count what lies below, row by row
        rows: Tensor = sorted_sequence.unsqueeze(-2)
        given: Tensor = values.unsqueeze(-1)
        below = (rows <= given) if right else (rows < given)
        return below.sum(-1).to(dtypes.int32 if out_int32 else dtypes.int64)
    device = sorted_sequence.device
    side = "right" if right else "left"
    needle = values.array if isinstance(values, Tensor) else np.asarray(values)
    found = device.xp.searchsorted(sorted_sequence.array, needle, side)
    return wrap(device.xp.asarray(found).astype("int32" if out_int32 else "int64"), device)


@function()
def isin(input: Tensor, test_elements: Any) -> Tensor:
    """Return which elements stand among `test_elements`."""
    others = test_elements.array if isinstance(test_elements, Tensor) else np.asarray(test_elements)
    return wrap(input.device.xp.isin(input.array, others), input.device)
