"""Random numbers: the generator's published values, and the moments of what is made of them."""

from __future__ import annotations

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome, limit

__all__ = ["KNOWN_ANSWERS", "check_random_numbers", "philox"]

_MASK = (1 << 64) - 1
_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B

KNOWN_ANSWERS = (
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (_MASK, _MASK, _MASK, _MASK),
        (_MASK, _MASK),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
)
"""Counter, key and result of Philox4x64-10, from the known-answer file of Random123 (Salmon and others, SC 2011)."""


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return one block of Philox4x64-10, in Python's integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & _MASK, (p0 >> 64) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


def check_random_numbers(bench: Bench) -> Outcome:
    """Compare the device's raw numbers with the definition, then look at uniform and normal samples."""
    compared_with = "published values of Philox4x64-10, moments of uniform and normal samples"
    blocks = bench.of_level(16, 256)
    wrong = 0
    for seed in (0, 1, bench.seed, _MASK):
        found = _draw_raw(bench, seed, blocks)
        exact = [
            word for block in range(blocks) for word in philox((block, 0, 0, 0), (seed & _MASK, 0))
        ]
        wrong += sum(ours != right for ours, right in zip(found, exact, strict=True))
    if wrong:
        return limit(
            float(wrong), 0.0, "wrong numbers", compared_with, f"{wrong} raw numbers differ"
        )
    return _check_samples(bench, compared_with)


def _draw_raw(bench: Bench, seed: int, blocks: int) -> list[int]:
    engine = bench.engine
    place = engine.device(bench.device)
    raw = engine.random.raw(place.xp, 4 * blocks, engine.Generator().manual_seed(seed))
    return [int(word) for word in (raw.get() if bench.is_gpu else raw)]


def _check_samples(bench: Bench, compared_with: str) -> Outcome:
    """Judge mean, spread and order of samples in units of their standard error; a true generator exceeds 6 in 10^9."""
    count = bench.of_level(1 << 18, 1 << 20)
    bench.engine.manual_seed(bench.seed)
    uniform = bench.host(bench.engine.rand(count, device=bench.device)).astype(np.float64)
    normal = bench.host(bench.engine.randn(count, device=bench.device)).astype(np.float64)
    root = np.sqrt(count)
    standard = (uniform - 0.5) * np.sqrt(12)
    errors = {
        "mean of uniform": root * standard.mean(),
        "variance of uniform": root * ((standard**2).mean() - 1) / np.sqrt(0.8),
        "mean of normal": root * normal.mean(),
        "variance of normal": root * ((normal**2).mean() - 1) / np.sqrt(2),
        "neighbours of uniform": root * (standard[1:] * standard[:-1]).mean(),
        "neighbours of normal": root * (normal[1:] * normal[:-1]).mean(),
        "range of uniform": 0.0 if uniform.min() >= 0 and uniform.max() < 1 else np.inf,
    }
    name = max(errors, key=lambda error: abs(errors[error]))
    largest = abs(float(errors[name]))
    return limit(
        largest,
        6.0,
        "standard errors",
        compared_with,
        f"the {name} is off by {largest:.1f} standard errors",
    )
