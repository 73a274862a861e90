"""Reading and writing at indices: slices are views, tensors of indices make copies."""

# ruff: noqa: ARG005  (every function of the table takes the array module first)
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import quiet
from stackgrad.grad_mode import literal, mode
from stackgrad.graph import Node, edge_to, present
from stackgrad.ops.elementwise import where
from stackgrad.ops.mutation import adopt, check_writable, overwrite
from stackgrad.ops.table import Op, attach, cast, function
from stackgrad.ops.views import _slice, expand
from stackgrad.tensor import Tensor, wrap


def add_at(xp: Any, target: Any, key: Any, value: Any) -> None:
    """Add `value` at `key`, once for every time that an index stands in `key`."""
    if xp is not np:
        xp.add.at(target, key, value)
        return
    if _is_one_list(key) and target.ndim >= 1 and key[0].size and target[0].size > 1:
        add_rows(
            target, key[0].reshape(-1), np.broadcast_to(value, key[0].shape + target.shape[1:])
        )
        return
    np.add.at(target, key, value)


def _is_one_list(key: Any) -> bool:
    return (
        isinstance(key, tuple)
        and len(key) == 1
        and isinstance(key[0], np.ndarray)
        and key[0].dtype.kind in "iu"
    )


def add_rows(target: Any, index: Any, rows: Any) -> None:
    """Add row i of `rows` to row index[i] of `target`: sorted, so that equal rows are added first.

    Sorting and `reduceat` take a fifth of the time of `numpy.add.at`.
    """
    rows = rows.reshape(index.size, -1)
    index = np.where(index < 0, index + target.shape[0], index)
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sums = np.add.reduceat(rows[order], starts, axis=0)
    target.reshape(target.shape[0], -1)[ordered[starts]] += sums


def added_at(xp: Any, g: Any, shape: tuple[int, ...], key: Any) -> Any:
    """Return zeros of `shape` with `g` added at `key`."""
    out = xp.zeros(shape, g.dtype)
    add_at(xp, out, key, g)
    return out


_take: Op = Op(
    "index",
    lambda xp, x, *, key: x[key],
    {"x": lambda g, x_shape, key: _take_back(g, shape=x_shape, key=key)},
)
_take_back: Op = Op(
    "index_backward",
    lambda xp, h, *, shape, key: added_at(xp, h, shape, key),
    {"h": lambda g, key: _take(g, key=key)},
)


def _plain(key: Any) -> bool:
    return (
        key is None
        or key is Ellipsis
        or (isinstance(key, (int, np.integer)) and not isinstance(key, bool))
    )


def normalise(x: Tensor, key: Any) -> tuple[Any, bool]:  # noqa: C901
    """Return `key` as NumPy takes it, and whether it selects a view."""
    parts = key if isinstance(key, tuple) else (key,)
    if not isinstance(key, tuple) and isinstance(key, list):
        parts = (key,)
    found: list[Any] = []
    basic = True
    for part in parts:
        if _plain(part):
            found.append(part)
        elif isinstance(part, slice):
            ends = [None if e is None else int(e) for e in (part.start, part.stop, part.step)]
            if ends[2] is not None and ends[2] <= 0:
                raise ValueError("step must be greater than zero")
            found.append(slice(*ends))
        elif isinstance(part, Tensor) and not part.array.ndim and part.array.dtype.kind in "iu":
            found.append(int(part.array))
        else:
            basic = False
            index = (
                part.array
                if isinstance(part, Tensor)
                else part
                if isinstance(part, bool)
                else part
                if isinstance(part, np.ndarray)
                else literal(np.asarray(part))
            )
            if not isinstance(index, bool):
                if index.dtype.kind not in "iub":
                    if index.size:
                        raise IndexError(
                            "tensors used as indices must be long, int, byte or bool tensors"
                        )
                    index = index.astype(np.int64)
                index = x.device.asarray(index)
                if index.dtype == np.uint8:
                    index = index.astype(bool)
            found.append(index)
    return tuple(found), basic


def _check_bounds(x: Tensor, key: tuple[Any, ...]) -> None:
    count = sum(1 for k in key if k is not None and k is not Ellipsis)
    if count > x.array.ndim and not any(hasattr(k, "ndim") or isinstance(k, bool) for k in key):
        raise IndexError(f"too many indices for tensor of dimension {x.array.ndim}")


def getitem(self: Tensor, key: Any) -> Tensor:
    """Return self[key]: a view for numbers, slices, None and `...`, else a copy."""
    if isinstance(key, int) and not isinstance(key, bool) and self.array.ndim:
        if not -self.array.shape[0] <= key < self.array.shape[0]:
            raise IndexError(
                f"index {key} is out of bounds for dimension 0 with size {self.array.shape[0]}"
            )
        return _slice(self, key=(key, ...))
    parts, basic = normalise(self, key)
    _check_bounds(self, parts)
    if basic:
        return _slice(self, key=parts if Ellipsis in parts else (*parts, ...))
    numbers, parts = _numbers_first(parts)
    return _take(self if numbers is None else _slice(self, key=numbers), key=parts)


def _numbers_first(parts: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Return the key that selects at the numbers alone, None without any, and the key for what is left.

    NumPy counts a number beside tensors among the tensors of indices; PyTorch selects at it first.
    """
    if not any(isinstance(p, (int, np.integer)) and not isinstance(p, bool) for p in parts):
        return None, parts
    first: list[Any] = []
    rest: list[Any] = []
    for part in parts:
        if part is None or isinstance(part, bool):
            rest.append(part)
        elif isinstance(part, (int, np.integer)):
            first.append(part)
        elif part is Ellipsis:
            first.append(part)
            rest.append(part)
        else:
            masked = hasattr(part, "dtype") and part.dtype == bool
            first += [slice(None)] * (part.ndim if masked else 1)
            rest.append(part)
    return (tuple(first) if Ellipsis in first else (*first, ...)), tuple(rest)


class _Put:
    """`x` with `value` at a key: both get the part of the gradient that is theirs."""

    name = "index_put"
    fresh = True

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        (g,), key = present(gradients), node.static["key"]
        rest = None
        if needs[0]:
            rest = g.clone()
            rest[key] = 0
        return [rest, getitem(g, key) if needs[1] else None]


_put = _Put()


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """Write `value` at `key`, as part of the history."""
    check_writable(self)
    parts, basic = normalise(self, key)
    if not basic:
        numbers, rest = _numbers_first(parts)
        if numbers is not None:
            setitem(_slice(self, key=numbers), rest, value)
            return
    given = value if isinstance(value, Tensor) else None
    array = value if given is None else cast(given.array, self.array.dtype)
    if given is not None and given.device is not self.device:
        array = self.device.asarray(array)
    static, edges = {"key": parts}, None
    if mode.enabled and (self.requires_grad or (given is not None and given.requires_grad)):
        edges = [edge_to(self), None if given is None else edge_to(given)]
    if (
        array is not value and array.ndim > self.array[parts].ndim
    ):  # leading ones, as PyTorch allows
        array = array.reshape(self.array[parts].shape)
    quiet.run(_write, self.array, parts, array)
    result = wrap(self.array, self.device)
    if edges is not None:
        result.node, result.tracked = Node(_put, edges, None, static), True
    adopt(self, result)


def _write(array: Any, key: Any, value: Any) -> None:
    array[key] = value


attach(__getitem__=getitem, __setitem__=setitem)

# ---- along one dimension


@function(inplace=True)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Return the tensor with `value` where `mask` holds."""
    fill = (
        value
        if isinstance(value, Tensor)
        else wrap(quiet.run(np.asarray, value, input.array.dtype), input.device)
    )
    return where(mask, fill.to(input.dtype), input)


# ---- writing

_fill: Op = Op(
    "fill",
    lambda xp, x, value: xp.full(x.shape, value, x.dtype),
    {"x": lambda g: g * 0, "value": lambda g: g.sum()},
)


def fill_(self: Tensor, value: Any) -> Tensor:
    """Set every element to `value`."""
    return overwrite(self, _fill(self, value))


def zero_(self: Tensor) -> Tensor:
    """Set every element to zero."""
    if not mode.enabled or not self.requires_grad:
        check_writable(self)
        self.array[...] = 0
        self.version[0] += 1
        return self
    return overwrite(self, _fill(self, 0))


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:  # noqa: ARG001
    """Copy the elements of `src`, broadcast and cast, into this tensor."""
    source = src.to(self.device)
    return overwrite(self, expand(source.to(self.dtype), self.array.shape))


attach(fill_=fill_, zero_=zero_, copy_=copy_)
