"""New tensors of random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stackgrad import dtypes, random
from stackgrad.arrays import quiet
from stackgrad.device import current
from stackgrad.device import device as find_device
from stackgrad.ops.creation import Maker, like
from stackgrad.ops.table import attach, function, publish
from stackgrad.ops.views import sizes_of
from stackgrad.tensor import Tensor, wrap


def _drawn(name: str, draw: Callable[..., Any]) -> Maker:
    def call(
        *size: Any,
        generator: random.Generator | None = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        **_: Any,
    ) -> Tensor:
        target = current() if device is None else find_device(device)
        kind = (dtype or dtypes.get_default_dtype()).numpy
        found = wrap(
            quiet.run(
                draw, target.xp, sizes_of(size), kind, generator or random.default_generator
            ),
            target,
        )
        return found.requires_grad_() if requires_grad else found

    return publish(name, call, method=False)


rand = _drawn("rand", random.uniform)


randn = _drawn("randn", random.normal)


publish("rand_like", like(rand), method=False)


publish("randn_like", like(randn), method=False)


@function(method=False)
def randint(
    *args: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **_: Any,
) -> Tensor:
    """Return whole numbers from `low` up to but without `high`; the arguments are [low = 0,] high, size."""
    low, high, size = (0, *args) if len(args) == 2 else args
    target = current() if device is None else find_device(device)
    drawn_by = generator or random.default_generator
    values = quiet.run(random.integers, target.xp, sizes_of((size,)), low, high, drawn_by)
    found = wrap(values.astype((dtype or dtypes.int64).numpy), target)
    return found.requires_grad_() if requires_grad else found


@function(method=False)
def randint_like(input: Tensor, low: int, high: int | None = None, **options: Any) -> Tensor:
    """Return whole numbers for the shape, dtype and device of a tensor."""
    bounds = (0, low) if high is None else (low, high)
    where = {"dtype": input.dtype, "device": input.device, **options}
    return randint(*bounds, input.array.shape, **where)


@function(method=False)
def randperm(
    n: int,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    **_: Any,
) -> Tensor:
    """Return the numbers 0 to n-1 in random order."""
    target = current() if device is None else find_device(device)
    order = quiet.run(random.permutation, target.xp, n, generator or random.default_generator)
    return wrap(order.astype((dtype or dtypes.int64).numpy), target)


@function(method=False)
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Any = None,
    *,
    generator: random.Generator | None = None,
    **options: Any,
) -> Tensor:
    """Return normal numbers with the mean and standard deviation given, as tensors or numbers."""
    if size is None:
        shapes = [m.array.shape for m in (mean, std) if isinstance(m, Tensor)]
        size = np.broadcast_shapes(*shapes)
    return randn(size, generator=generator, **options) * std + mean


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
    def call(
        self: Tensor, *args: Any, generator: random.Generator | None = None, **options: Any
    ) -> Tensor:
        from stackgrad.ops.mutation import overwrite

        return overwrite(self, draw(self, *args, generator=generator, **options))

    return call


def _uniform(
    self: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Any = None, **bounds: float
) -> Tensor:
    a, b = bounds.get("from", a), bounds.get("to", b)
    return (
        rand(self.array.shape, generator=generator, dtype=self.dtype, device=self.device) * (b - a)
        + a
    )


def _normal(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    return (
        randn(self.array.shape, generator=generator, dtype=self.dtype, device=self.device) * std
        + mean
    )


def _exponential(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    drawn = rand(self.array.shape, generator=generator, dtype=self.dtype, device=self.device)
    return -(1 - drawn).log() / lambd


def _random(
    self: Tensor, low: int = 0, high: int | None = None, *, generator: Any = None
) -> Tensor:
    low, high = (0, low) if high is None and low else (low, high)
    top = (
        high
        if high is not None
        else 2**24
        if self.dtype.is_floating_point
        else dtypes.iinfo(self.dtype).max
    )
    return randint(
        low, top, self.array.shape, generator=generator, dtype=self.dtype, device=self.device
    )


attach(uniform_=_write(_uniform), normal_=_write(_normal))


attach(exponential_=_write(_exponential), random_=_write(_random))


attach(
    bernoulli_=_write(
        lambda self, p=0.5, generator=None: (
            bernoulli(self, p, generator=generator)
            if not isinstance(p, Tensor)
            else bernoulli(p.expand(self.array.shape).to(self.dtype), generator=generator)
        )
    )
)
