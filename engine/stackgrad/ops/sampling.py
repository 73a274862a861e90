"""New tensors of random numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from stackgrad import dtypes, random
from stackgrad.arrays import quiet
from stackgrad.device import current
from stackgrad.device import device as find_device
from stackgrad.ops.creation import Maker, like
from stackgrad.ops.hints import check_hints
from stackgrad.ops.table import attach, function, publish
from stackgrad.ops.views import sizes_of
from stackgrad.tensor import Tensor, wrap


def _drawn(name: str, draw: Callable[..., Any]) -> Maker:
    def call(
        *shape: Any,
        size: Any = None,
        generator: random.Generator | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Tensor:
        check_hints(layout, pin_memory)
        size = shape if size is None else (size,)
        target = current() if device is None else find_device(device)
        kind = (dtype or dtypes.get_default_dtype()).numpy
        found = wrap(
            quiet.run(draw, target.xp, sizes_of(size), kind, generator or random.default_generator),
            target,
        )
        return found.requires_grad_() if requires_grad else found

    return publish(name, call, method=False)


rand = _drawn("rand", random.uniform)


randn = _drawn("randn", random.normal)


like("rand_like", rand)


like("randn_like", randn)


def _randint(
    low: int,
    high: Any,
    size: Any,
    generator: random.Generator | None,
    dtype: Any,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    target = current() if device is None else find_device(device)
    values = quiet.run(
        random.integers,
        target.xp,
        sizes_of((size,)),
        low,
        high,
        generator or random.default_generator,
    )
    found = wrap(values.astype((dtype or dtypes.int64).numpy), target)
    return found.requires_grad_() if requires_grad else found


@function(method=False)
def randint(
    *bounds: Any,
    low: int = 0,
    high: int | None = None,
    size: Any = None,
    generator: random.Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return whole numbers from `low` up to but without `high`; the arguments are [low = 0,] high, size."""
    check_hints(layout, pin_memory)
    if size is None:
        *bounds, size = bounds  # type: ignore[assignment]
    if high is None:
        *bounds, high = bounds  # type: ignore[assignment]
    low = bounds[0] if bounds else low
    return _randint(low, high, size, generator, dtype, device, requires_grad)


@function(method=False)
def randint_like(
    input: Tensor,
    *bounds: int,
    low: int = 0,
    high: int | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Return whole numbers for the shape, dtype and device of a tensor; the bounds are [low = 0,] high."""
    check_hints(layout, pin_memory, memory_format)
    if high is None:
        *bounds, high = bounds  # type: ignore[assignment]
    low = bounds[0] if bounds else low
    where = input.device if device is None else device
    return _randint(low, high, input.array.shape, None, dtype or input.dtype, where, requires_grad)


@function(method=False)
def randperm(
    n: int,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return the numbers 0 to n-1 in random order."""
    check_hints(layout, pin_memory)
    target = current() if device is None else find_device(device)
    order = quiet.run(random.permutation, target.xp, n, generator or random.default_generator)
    found = wrap(order.astype((dtype or dtypes.int64).numpy), target)
    return found.requires_grad_() if requires_grad else found


@function(method=False)
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Any = None,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return normal numbers with the mean and standard deviation given, as tensors or numbers."""
    check_hints(layout, pin_memory)
    given = [m for m in (mean, std) if isinstance(m, Tensor)]
    if size is None:
        size = np.broadcast_shapes(*[m.array.shape for m in given])
    if given:
        dtype, device = dtype or given[0].dtype, given[0].device if device is None else device
    found = randn(size, generator=generator, dtype=dtype, device=device) * std + mean
    return found.requires_grad_() if requires_grad else found


@function()
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: random.Generator | None = None
) -> Tensor:
    """Return ones with the probabilities of `input`, or with `p`, else zeros."""
    chance = input.detach() if p is None else p
    drawn = rand(input.array.shape, generator=generator, device=input.device, dtype=input.dtype)
    return (drawn < chance).to(input.dtype)


@function()
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: random.Generator | None = None,
) -> Tensor:
    """Return indices drawn with the weights in the last dimension of `input`."""
    weights = input.detach().double()
    if not replacement:  # Efraimidis and Spirakis: the largest of log(u) / w
        drawn = rand(
            weights.array.shape, generator=generator, dtype=dtypes.float64, device=input.device
        )
        keys = drawn.log() / weights
        return keys.argsort(-1, descending=True).narrow(-1, 0, num_samples)
    edges = (weights / weights.sum(-1, keepdim=True)).cumsum(-1)
    shape = (*weights.array.shape[:-1], num_samples)
    drawn = rand(shape, generator=generator, dtype=dtypes.float64, device=input.device)
    places = (drawn.unsqueeze(-1) >= edges.unsqueeze(-2)).sum(-1)
    return places.clamp(max=weights.array.shape[-1] - 1)


def _write(draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @functools.wraps(draw)
    def call(self: Tensor, *args: Any, **options: Any) -> Tensor:
        from stackgrad.ops.mutation import overwrite

        return overwrite(self, draw(self, *args, **options))

    return call


def _uniform_in(
    self: Tensor, low: float, high: float, generator: random.Generator | None
) -> Tensor:
    drawn = rand(self.array.shape, generator=generator, dtype=self.dtype, device=self.device)
    return drawn * (high - low) + low


def uniform_(self: Tensor, *bounds: float, generator: Any = None, **named: float) -> Tensor:
    """Fill with numbers between two bounds, 0 and 1 by default; PyTorch calls them `from` and `to`."""
    if unknown := set(named) - {"from", "to"}:
        raise TypeError(f"uniform_() got an unexpected keyword argument {min(unknown)!r}")
    low, high = (*bounds, *(0.0, 1.0)[len(bounds) :])
    low, high = named.get("from", low), named.get("to", high)
    from stackgrad.ops.mutation import overwrite

    return overwrite(self, _uniform_in(self, low, high, generator))


def _normal(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    drawn = randn(self.array.shape, generator=generator, dtype=self.dtype, device=self.device)
    return drawn * std + mean


def _log_normal(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None
) -> Tensor:
    return _normal(self, mean, std, generator=generator).exp()


def _exponential(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    return -(1 - _uniform_in(self, 0.0, 1.0, generator)).log() / lambd


def _cauchy(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Tensor:
    return median + sigma * ((_uniform_in(self, 0.0, 1.0, generator) - 0.5) * math.pi).tan()


def _geometric(self: Tensor, p: float, *, generator: Any = None) -> Tensor:
    drawn = rand(self.array.shape, generator=generator, device=self.device)
    return ((1 - drawn).log() / math.log1p(-p)).ceil().clamp(min=1).to(self.dtype)


def random_(self: Tensor, *bounds: int, generator: Any = None, **named: int) -> Tensor:
    """Fill with whole numbers: [from = 0,] to, by default all that the dtype holds exactly."""
    if unknown := set(named) - {"from", "to"}:
        raise TypeError(f"random_() got an unexpected keyword argument {min(unknown)!r}")
    given: Any = (0, None, *bounds)[-2:] if len(bounds) != 1 else (0, bounds[0])
    low, high = named.get("from", given[0]), named.get("to", given[1])
    if high is None:
        high = 2**24 if self.dtype.is_floating_point else dtypes.iinfo(self.dtype).max
    from stackgrad.ops.mutation import overwrite

    drawn = _randint(low, high, self.array.shape, generator, self.dtype, self.device, False)
    return overwrite(self, drawn)


def _bernoulli(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    if isinstance(p, Tensor):
        return bernoulli(p.expand(self.array.shape).to(self.dtype), generator=generator)
    return bernoulli(self, p, generator=generator)


attach(uniform_=uniform_, random_=random_, normal_=_write(_normal), bernoulli_=_write(_bernoulli))
attach(exponential_=_write(_exponential), log_normal_=_write(_log_normal))
attach(cauchy_=_write(_cauchy), geometric_=_write(_geometric))
