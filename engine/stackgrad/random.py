"""Random numbers from a counter: the same on every device and in every replay.

Number i of a draw is a function of the generator's seed and of its counter plus i: Philox4x64-10
(Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), whose C
implementation NumPy has and which a GPU computes one counter per thread.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule

_M0, _M1 = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_W0, _W1 = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_MASK = 0xFFFFFFFFFFFFFFFF


class Generator:
    """A seed, and a counter that every draw moves on by the blocks of four that it took."""

    def __init__(self, device: Any = None) -> None:
        self.device = device
        self.seed_, self.counter = 0, 0

    def manual_seed(self, seed: int) -> Generator:
        """Set the seed and begin at counter 0."""
        self.seed_, self.counter = int(seed) & _MASK, 0
        return self

    def initial_seed(self) -> int:
        """Return the seed."""
        return self.seed_

    def seed(self) -> int:
        """Set a seed from the operating system's randomness and return it."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self.seed_

    def get_state(self) -> Any:
        """Return seed and counter as a tensor of two int64."""
        from stackgrad.ops.creation import from_numpy

        return from_numpy(np.array([self.seed_, self.counter], np.uint64).view(np.int64).copy())

    def set_state(self, state: Any) -> Generator:
        """Continue from a state of `get_state`."""
        self.seed_, self.counter = (
            int(v) for v in np.asarray(state.array, np.int64).view(np.uint64)
        )
        return self

    def take(self, blocks: int) -> tuple[int, int]:
        """Return seed and counter of a draw of `blocks` times four numbers, and move on."""
        start = self.counter
        self.counter += blocks
        return self.seed_, start


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator, which all devices share."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the operating system."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed of the default generator."""
    return default_generator.seed_


def get_rng_state() -> Any:
    """Return the state of the default generator."""
    return default_generator.get_state()


def set_rng_state(state: Any) -> None:
    """Continue the default generator from `state`."""
    default_generator.set_state(state)


def raw(xp: ArrayModule, count: int, generator: Generator) -> Array:
    """Return `count` uniform uint64 on the device of `xp`."""
    blocks = -(-count // 4)
    key, counter = generator.take(blocks)
    if xp is np:
        # NumPy raises its counter before each block
        bits = np.random.Philox(key=key, counter=(counter - 1) % 2**256).random_raw(4 * blocks)
        return bits[:count]
    if hasattr(xp, "launch"):
        from stackgrad.kernels.cuda import elements

        def later() -> tuple[int, int]:
            return generator.take(blocks)

        return elements.philox_words(xp, key, counter & _MASK, count, later)
    return philox(xp, key, counter, blocks)[:count]


def philox(xp: ArrayModule, key: int, counter: int, blocks: int) -> Array:
    """Return 4 * blocks uint64 in array operations: what `raw` gives, on any device."""
    word = xp.uint64
    c0 = xp.arange(blocks, dtype=word) + word(counter & _MASK)
    c1 = xp.full(blocks, (counter >> 64) & _MASK, word)
    c2, c3 = xp.zeros(blocks, word), xp.zeros(blocks, word)
    k0, k1 = key & _MASK, (key >> 64) & _MASK
    for _ in range(10):
        high0, low0 = _multiply(xp, c0, _M0)
        high1, low1 = _multiply(xp, c2, _M1)
        c0, c1, c2, c3 = high1 ^ c1 ^ word(k0), low1, high0 ^ c3 ^ word(k1), low0
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return xp.stack([c0, c1, c2, c3], 1).reshape(-1)


def _multiply(xp: ArrayModule, a: Array, m: int) -> tuple[Array, Array]:
    """Return the high and low halves of the 128-bit products of `a` with `m`."""
    word = xp.uint64
    half, low_mask = word(32), word(0xFFFFFFFF)
    a1, a0, m1, m0 = a >> half, a & low_mask, word(m >> 32), word(m & 0xFFFFFFFF)
    p00, p01, p10 = a0 * m0, a0 * m1, a1 * m0
    middle = (p00 >> half) + (p01 & low_mask) + (p10 & low_mask)
    high = a1 * m1 + (p01 >> half) + (p10 >> half) + (middle >> half)
    return high, a * word(m)


def uniform(xp: ArrayModule, shape: tuple[int, ...], kind: Any, generator: Generator) -> Array:
    """Return numbers in [0, 1): 24 random bits each, 53 for float64."""
    count = math.prod(shape)
    if kind == np.float64:
        numbers = (raw(xp, count, generator) >> np.uint64(11)) * np.float64(2.0**-53)
    else:
        halves = raw(xp, -(-count // 2), generator).view(np.uint32)[:count]
        digits = {2: 8 if kind.kind == "V" else 11}.get(kind.itemsize, 24)
        numbers = (halves >> np.uint32(32 - digits)).astype(np.float32) * np.float32(2.0**-digits)
    return numbers.reshape(shape).astype(kind, copy=False)


def normal(xp: ArrayModule, shape: tuple[int, ...], kind: Any, generator: Generator) -> Array:
    """Return standard normal numbers, two from two uniform ones (Box and Muller, 1958)."""
    count = math.prod(shape)
    pairs = -(-count // 2)
    wide = np.dtype(np.float64 if kind == np.float64 else np.float32)
    u = uniform(xp, (2, pairs), wide, generator)
    radius = xp.sqrt(wide.type(-2) * xp.log(wide.type(1) - u[0]))
    angle = wide.type(2 * math.pi) * u[1]
    numbers = xp.concatenate([radius * xp.cos(angle), radius * xp.sin(angle)])[:count]
    return numbers.reshape(shape).astype(kind, copy=False)


def integers(
    xp: ArrayModule, shape: tuple[int, ...], low: int, high: int, generator: Generator
) -> Array:
    """Return whole numbers in [low, high); the bias of the remainder is below (high - low) / 2**64."""
    if high <= low:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    numbers = raw(xp, math.prod(shape), generator) % np.uint64(high - low)
    return (numbers.astype(np.int64) + low).reshape(shape)


def permutation(xp: ArrayModule, n: int, generator: Generator) -> Array:
    """Return 0 to n-1 in random order: the order of n random keys."""
    return (
        xp.argsort(raw(xp, n, generator), kind="stable")
        if xp is np
        else xp.argsort(raw(xp, n, generator))
    )
