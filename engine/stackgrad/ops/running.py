"""Along one dimension: differences, running extremes, areas under a curve."""

from __future__ import annotations

from typing import Any

from stackgrad.ops.joining import cat
from stackgrad.ops.scattering import gather
from stackgrad.ops.selection import Selected
from stackgrad.ops.table import Op, function
from stackgrad.ops.views import dim_of, expand
from stackgrad.tensor import Tensor, wrap


def _running_place(xp: Any, x: Any, dim: int, largest: bool) -> Any:
    """Return where the extreme of all elements so far stands, the last of equal ones; NaN wins."""
    accumulate = xp.maximum.accumulate if largest else xp.minimum.accumulate
    extreme = accumulate(x, axis=dim)
    shape = [1] * x.ndim
    shape[dim] = -1
    place = xp.arange(x.shape[dim]).reshape(shape)
    found = (x == extreme) | (xp.isnan(x) if x.dtype.kind in "fV" else False)
    return xp.maximum.accumulate(xp.where(found, place, 0), axis=dim)


_places: Op = Op(
    "running_place", lambda xp, x, *, dim, largest: _running_place(xp, x, dim, largest), {}
)


def _running(input: Tensor, dim: int, largest: bool) -> Selected:
    if not input.array.ndim:
        return Selected(input.clone(), wrap(input.device.xp.zeros((), "int64"), input.device))
    if not input.array.size:
        return Selected(input.clone(), wrap(input.array.astype("int64"), input.device))
    place = dim_of(dim, input.array.ndim)
    indices = _places(input.detach(), dim=place, largest=largest)
    return Selected(gather(input, place, indices), indices)


@function()
def cummax(input: Tensor, dim: int) -> Selected:
    """Return the largest element so far along `dim`, and where it stands."""
    return _running(input, dim, largest=True)


@function()
def cummin(input: Tensor, dim: int) -> Selected:
    """Return the smallest element so far along `dim`, and where it stands."""
    return _running(input, dim, largest=False)


@function()
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Return the differences of neighbours along `dim`, `n` times over."""
    if not input.array.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if not n:
        return input
    place = dim_of(dim, input.array.ndim)
    x = cat([t for t in (prepend, input, append) if t is not None], place)
    for _ in range(min(n, x.array.shape[place])):
        size = x.array.shape[place] - 1
        later, earlier = x.narrow(place, 1, size), x.narrow(place, 0, size)
        x = later ^ earlier if x.array.dtype == bool else later - earlier
    return x


def _areas(y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    """Return the area between neighbours along `dim`."""
    place = dim_of(dim, y.array.ndim)
    size = max(y.array.shape[place] - 1, 0)
    sums = y.narrow(place, min(1, y.array.shape[place]), size) + y.narrow(place, 0, size)
    if x is None:
        return sums * (dx / 2)
    if x.array.ndim == 1:
        x = x.reshape((-1,) + (1,) * (y.array.ndim - 1 - place))
        dim = -x.array.ndim
    steps = diff(x, dim=dim)
    return sums * steps / 2


@function(method=False)
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """Return the area under `y` along `dim`, at the places `x` or with steps of `dx`."""
    return _areas(y, x, dx, dim).sum(dim)


@function(method=False)
def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """Return the same as `trapezoid`."""
    return trapezoid(y, x, dx=dx, dim=dim)


@function(method=False)
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1
) -> Tensor:
    """Return the area so far under `y` along `dim`."""
    return _areas(y, x, dx, dim).cumsum(dim)


@function(method=False)
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Return the slope along each dimension from neighbours, at the edges of one side.

    `spacing` is a step, one per dimension, or a vector of places per dimension.
    """
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    ndim = input.array.ndim
    dims = range(ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    places = [dim_of(d, ndim) for d in dims]
    spacing = 1.0 if spacing is None else spacing
    several = isinstance(spacing, (list, tuple))
    steps = list(spacing) if several else [spacing] * len(places)
    return tuple(
        _slope(input, place, step, edge_order) for place, step in zip(places, steps, strict=True)
    )


def _slope(x: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    size = x.array.shape[dim]
    if size < edge_order + 1:
        raise RuntimeError(
            "torch.gradient expected each dimension size to be at least edge_order+1"
        )
    if isinstance(spacing, Tensor) and spacing.array.ndim:
        shape = (-1,) + (1,) * (x.array.ndim - 1 - dim)
        steps = diff(spacing.to(x.dtype)).reshape(shape)
    else:
        step = (
            x.new_tensor(float(spacing))
            if x.dtype.is_floating_point
            else x.float().new_tensor(float(spacing))
        )
        steps = expand(step, (size - 1, *(1,) * (x.array.ndim - 1 - dim)))
    slopes = diff(x, dim=dim) / steps
    first, last = slopes.narrow(dim, 0, 1), slopes.narrow(dim, size - 2, 1)
    if size == 2:
        return cat([first, last], dim)
    a, b = steps[: size - 2], steps[1:]
    left, right = slopes.narrow(dim, 0, size - 2), slopes.narrow(dim, 1, size - 2)
    inside = (b * left + a * right) / (a + b)
    if edge_order == 2:
        first = first + (first - inside.narrow(dim, 0, 1))
        last = last + (last - inside.narrow(dim, size - 3, 1))
    return cat([first, inside, last], dim)
