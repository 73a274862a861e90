"""One source of random numbers for two libraries, so that a program draws the same in both."""

# ruff: noqa: A002, C901  (the parameters are PyTorch's, the functions share one source)

from __future__ import annotations

import math
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np


class Draws:
    """NumPy generators, one per kind of number, begun anew by a seed."""

    def __init__(self) -> None:
        self.seed(0)

    def seed(self, number: int) -> None:
        self.number, self.streams = number, {}

    def of(self, kind: str) -> np.random.Generator:
        if kind not in self.streams:
            start = [abs(int(self.number)), zlib.crc32(kind.encode())]
            self.streams[kind] = np.random.default_rng(start)
        return self.streams[kind]


def install(library: Any) -> None:
    """Replace every function of `library` (PyTorch, or the engine) that draws random numbers."""
    draws = Draws()
    functions, methods = _creators(library, draws), _writers(library, draws)
    for name, function in functions.items():
        _replace(library, getattr(library, name, None), function)
        setattr(library, name, function)
    for name, method in methods.items():
        setattr(library.Tensor, name, method)
    library.Tensor.multinomial = functions["multinomial"]
    library.Tensor.bernoulli = functions["bernoulli"]
    _install_dropout(library, draws)
    _install_order(library, functions["randperm"])


def _install_order(library: Any, randperm: Callable[..., Any]) -> None:
    """Draw one order per pass over the data; PyTorch's sampler draws one more that it does not use."""
    sampler = library.utils.data.RandomSampler
    shuffled = sampler.__iter__

    def order(self: Any) -> Any:
        whole = not self.replacement and self.num_samples == len(self.data_source)
        return iter(randperm(self.num_samples).tolist()) if whole else shuffled(self)

    sampler.__iter__ = order


def _replace(library: Any, old: Any, new: Any) -> None:
    """Put `new` wherever a module of the library has imported `old` by name."""
    prefix = library.__name__ + "."
    if old is None or library.__name__ == "torch":
        return
    for name, module in list(sys.modules.items()):
        if name.startswith(prefix) and getattr(module, "__dict__", None):
            for key, value in list(vars(module).items()):
                if value is old:
                    setattr(module, key, new)


def _creators(library: Any, draws: Draws) -> dict[str, Callable[..., Any]]:
    def made(array: Any, dtype: Any, options: dict[str, Any]) -> Any:
        dtype = dtype or library.get_default_dtype()
        found = library.from_numpy(np.asarray(array)).to(dtype)
        if options.get("device") is not None:
            found = found.to(options["device"])
        return found.requires_grad_() if options.get("requires_grad") else found

    def shape_of(size: Any) -> tuple[int, ...]:
        return tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else tuple(size)

    def rand(*size: Any, dtype: Any = None, **options: Any) -> Any:
        return made(draws.of("uniform").random(shape_of(size)), dtype, options)

    def randn(*size: Any, dtype: Any = None, **options: Any) -> Any:
        return made(draws.of("normal").standard_normal(shape_of(size)), dtype, options)

    def rand_like(input: Any, *, dtype: Any = None, **options: Any) -> Any:
        return rand(tuple(input.shape), dtype=dtype or input.dtype, **options)

    def randn_like(input: Any, *, dtype: Any = None, **options: Any) -> Any:
        return randn(tuple(input.shape), dtype=dtype or input.dtype, **options)

    def randint(*args: Any, size: Any = None, dtype: Any = None, **options: Any) -> Any:
        low, high = options.pop("low", 0), options.pop("high", None)
        args = args if size is None else (*args, size)
        if len(args) == 3:
            low, high, size = args
        elif len(args) == 2:
            (high, size) = args
        else:
            size = args[0]
        values = draws.of("integers").integers(low, high, tuple(size))
        return made(values, dtype or library.int64, options)

    def randperm(n: int, *, dtype: Any = None, **options: Any) -> Any:
        return made(draws.of("order").permutation(n), dtype or library.int64, options)

    def normal(mean: Any, std: Any = 1.0, size: Any = None, **options: Any) -> Any:
        options.pop("generator", None)
        if size is None:
            parts = [tuple(p.shape) for p in (mean, std) if isinstance(p, library.Tensor)]
            size = np.broadcast_shapes(*parts)
        return randn(tuple(size), **options) * std + mean

    def bernoulli(input: Any, p: Any = None, **_: Any) -> Any:
        chance = input if p is None else p
        return (rand(tuple(input.shape), dtype=input.dtype) < chance).to(input.dtype)

    def multinomial(
        input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None
    ) -> Any:
        del generator
        weights = input.detach().double().numpy()
        rows = weights.reshape(-1, weights.shape[-1])
        stream = draws.of("choice")
        if replacement:
            edges = np.cumsum(rows / rows.sum(1, keepdims=True), 1)
            u = stream.random((len(rows), num_samples))
            chosen = np.minimum((u[..., None] > edges[:, None, :]).sum(-1), rows.shape[1] - 1)
        else:
            with np.errstate(divide="ignore"):
                keys = np.log(rows) + stream.gumbel(size=rows.shape)
            chosen = np.argsort(-keys, 1)[:, :num_samples]
        return library.from_numpy(chosen.reshape(*weights.shape[:-1], num_samples).copy())

    def manual_seed(seed: int) -> Any:
        draws.seed(seed)
        return library.default_generator

    names = (rand, randn, rand_like, randn_like, randint, randperm, normal, bernoulli, multinomial)
    return {f.__name__: f for f in (*names, manual_seed)}


def _writers(library: Any, draws: Draws) -> dict[str, Callable[..., Any]]:
    def write(self: Any, array: Any) -> Any:
        with library.no_grad():
            return self.copy_(library.from_numpy(np.asarray(array)).to(self.dtype))

    def uniform_(self: Any, *bounds: float, generator: Any = None, **named: float) -> Any:
        del generator
        low, high = (*bounds, *(0.0, 1.0)[len(bounds) :])
        low, high = named.get("from", named.get("a", low)), named.get("to", named.get("b", high))
        return write(self, low + (high - low) * draws.of("uniform").random(tuple(self.shape)))

    def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Any:
        del generator
        return write(self, mean + std * draws.of("normal").standard_normal(tuple(self.shape)))

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Any:
        del generator
        chance = p.numpy() if isinstance(p, library.Tensor) else p
        return write(self, draws.of("uniform").random(tuple(self.shape)) < chance)

    def random_(self: Any, *bounds: int, generator: Any = None) -> Any:
        del generator
        low, high = (0, 2**31, *bounds)[-2:] if len(bounds) != 1 else (0, bounds[0])
        return write(self, draws.of("random").integers(low, high, tuple(self.shape)))

    def exponential_(self: Any, lambd: float = 1.0, *, generator: Any = None) -> Any:
        del generator
        return write(self, draws.of("exponential").exponential(1 / lambd, tuple(self.shape)))

    return {f.__name__: f for f in (uniform_, normal_, bernoulli_, random_, exponential_)}


def _install_dropout(library: Any, draws: Draws) -> None:
    def kept(input: Any, shape: tuple[int, ...], p: float) -> Any:
        mask = draws.of("dropout").random(shape) >= p
        return library.from_numpy(mask).to(input.dtype)

    if library.__name__ == "stackgrad":
        sys.modules["stackgrad.nn.functional.regularization"]._kept = kept  # type: ignore[attr-defined]
        return
    functional = library.nn.functional

    def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        if not training or not p:
            return input
        mask = kept(input, tuple(input.shape), p) / (1 - p)
        return input.mul_(mask) if inplace else input * mask

    def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        if not training or not p:
            return input
        shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
        mask = kept(input, shape, p) / (1 - p)
        return input.mul_(mask) if inplace else input * mask

    attend = functional.scaled_dot_product_attention

    def scaled_dot_product_attention(
        query: Any,
        key: Any,
        value: Any,
        attn_mask: Any = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **options: Any,
    ) -> Any:
        if not dropout_p:
            return attend(query, key, value, attn_mask, 0.0, is_causal, **options)
        scores = (query / math.sqrt(query.size(-1))) @ key.transpose(-2, -1)
        if is_causal:
            attn_mask = library.ones(scores.shape[-2:], dtype=library.bool).tril()
        if attn_mask is not None and attn_mask.dtype is library.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        return dropout(scores.softmax(-1), dropout_p) @ value

    functional.dropout = library.dropout = dropout
    functional.dropout1d = functional.dropout2d = functional.dropout3d = dropout2d
    functional.scaled_dot_product_attention = scaled_dot_product_attention
