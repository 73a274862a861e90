"""Updates of parameters in place, in blocks that stay in the cache."""

from __future__ import annotations

from stackgrad.arrays import Array, ArrayModule

BLOCK = 1 << 15


def adam_step(
    xp: ArrayModule,
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    largest: Array | None,
    *,
    rate: float,
    eps: float,
    beta1: float,
    beta2: float,
    shrink: float,
    decay: float,
    sign: int,
) -> None:
    """Update p, m and v in place: p -= rate * m / (sqrt(v) + eps), both bias corrections being in `rate` and `eps`."""
    arrays = [p, g, m, v] + ([] if largest is None else [largest])
    if xp.__name__ == "numpy" and p.size > BLOCK and all(a.flags.c_contiguous for a in arrays):
        flat = [a.reshape(-1) for a in arrays]
        parts = [tuple(a[start : start + BLOCK] for a in flat) for start in range(0, p.size, BLOCK)]
    else:
        parts = [tuple(arrays)]
    for part in parts:
        p, g, m, v = part[:4]
        step = xp.multiply(g, sign) if sign != 1 or decay else g
        if decay:
            step = step + p * p.dtype.type(decay)
        if shrink:
            p *= p.dtype.type(1 - shrink)
        work = xp.multiply(step, p.dtype.type(1 - beta1))
        m *= p.dtype.type(beta1)
        m += work
        xp.multiply(step, step, out=work)
        work *= p.dtype.type(1 - beta2)
        v *= p.dtype.type(beta2)
        v += work
        if largest is not None:
            xp.maximum(part[4], v, out=part[4])
            v = part[4]
        xp.sqrt(v, out=work)
        work += p.dtype.type(eps)
        xp.divide(m, work, out=work)
        work *= p.dtype.type(rate)
        p -= work
