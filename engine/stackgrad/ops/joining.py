"""Tensors into parts and parts into tensors. Parts are views that share one node."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from stackgrad import dtypes
from stackgrad.arrays import quiet
from stackgrad.grad_mode import mode
from stackgrad.graph import Node, edge_to
from stackgrad.ops.table import cast, function, publish_alias
from stackgrad.ops.views import _slice, dim_of, unsqueeze
from stackgrad.tensor import Tensor, share, wrap


class _Parts:
    """Views of all of a tensor along one dimension; their gradients are joined again."""

    name = "split"
    fresh = True

    def backward(
        self,
        node: Node,
        gradients: Sequence[Tensor | None],
        needs: Sequence[bool],  # noqa: ARG002
    ) -> list[Tensor | None]:
        """Put the gradients side by side, zeros where there is none."""
        dim, shapes, kind, device, joined = node.static
        parts = [
            wrap(quiet.run(device.xp.zeros, shape, kind), device) if g is None else g
            for g, shape in zip(gradients, shapes, strict=True)
        ]
        return [joined(parts, dim)]


class _Join:
    """Concatenation of any number of tensors; each gets its part of the gradient."""

    name = "cat"
    fresh = False

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        """Return the part of the gradient that is each input's."""
        dim, sizes = node.static
        parts = split(gradients[0], sizes, dim) if gradients[0] is not None else []
        return [part if need else None for part, need in zip(parts, needs, strict=True)]


_parts, _join = _Parts(), _Join()


def _views(x: Tensor, keys: Sequence[Any], dim: int, joined: Any) -> tuple[Tensor, ...]:
    """Return the views of x at `keys`, which cover it, as outputs of one node."""
    edge = edge_to(x) if mode.enabled else None
    found, node = [], None
    for key in keys:
        part = wrap(x.array[key], x.device)
        share(part, x, _slice, {"key": key})
        found.append(part)
    if edge is not None and found:
        static = (dim, [p.array.shape for p in found], x.array.dtype, x.device, joined)
        node = Node(_parts, [edge], None, static, len(found))
        for index, part in enumerate(found):
            part.node, part.index, part.tracked = node, index, True
    return tuple(found)


@function()
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of pieces of one size, or of the sizes given, along `dim`."""
    place = dim_of(dim, tensor.array.ndim)
    size = tensor.array.shape[place]
    sections = split_size_or_sections
    if isinstance(sections, int):
        whole, rest = divmod(size, sections) if sections else (1, 0)
        sections = [sections] * whole + [rest] * (rest > 0) or [0]
    if sum(sections) != size:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size}, but got {list(sections)}"
        )
    before = (slice(None),) * place
    keys = [(*before, slice(a, b), ...) for a, b in _bounds(sections)]
    return _views(tensor, keys, place, cat)


def _bounds(sections: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for length in sections:
        yield start, start + length
        start += length


@function()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of at most `chunks` pieces of one size along `dim`; the last may be smaller."""
    size = input.array.shape[dim_of(dim, input.array.ndim)]
    return split(input, max(-(-size // chunks), 1), dim)


@function()
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views split at the indices given, or into nearly equal sections."""
    place = dim_of(dim, input.array.ndim)
    size = input.array.shape[place]
    cuts = indices_or_sections
    cuts = cuts.tolist() if isinstance(cuts, Tensor) else cuts
    if isinstance(cuts, int):
        small, larger = divmod(size, cuts)
        return split(input, [small + (i < larger) for i in range(cuts)], dim)
    bounds = [0, *[min(max(c + size if c < 0 else c, 0), size) for c in cuts], size]
    before = (slice(None),) * place
    return tuple(
        _slice(input, key=(*before, slice(a, b), ...)) for a, b in itertools.pairwise(bounds)
    )


@function()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the views of every index of `dim`."""
    place = dim_of(dim, input.array.ndim)
    before = (slice(None),) * place
    return _views(input, [(*before, i, ...) for i in range(input.array.shape[place])], place, stack)


@function(method=False)
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors joined along `dim`; empty one-dimensional ones are left out."""
    parts = [t for t in tensors if t.array.shape != (0,)] or list(tensors[:1])
    if not parts:
        raise RuntimeError("torch.cat(): expected a non-empty list of Tensors")
    place_, where = dim_of(dim, parts[0].array.ndim), parts[0].device
    kinds = {t.array.dtype for t in parts}
    kind = parts[0].array.dtype if len(kinds) == 1 else dtypes.result_type(*parts).numpy
    arrays = [cast(t.array, kind) for t in parts]
    for array in arrays:
        mismatched = [
            i
            for i, (a, b) in enumerate(zip(array.shape, arrays[0].shape, strict=False))
            if a != b and i != place_
        ]
        if mismatched or array.ndim != arrays[0].ndim:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {place_}: {[tuple(a.shape) for a in arrays]}"
            )
    result = wrap(quiet.run(where.xp.concatenate, arrays, place_), where)
    if mode.enabled and any(t.requires_grad for t in parts):
        static = (place_, [a.shape[place_] for a in arrays])
        result.node, result.tracked = Node(_join, [edge_to(t) for t in parts], None, static), True
    return result


@function(method=False)
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors joined along a new dimension."""
    return cat([unsqueeze(t, dim) for t in tensors], dim_of(dim, tensors[0].array.ndim + 1))


publish_alias("concat", cat)
publish_alias("concatenate", cat)
