"""Updates of parameters in place, in blocks that stay in the cache and are shared among the threads."""

from __future__ import annotations

from dataclasses import dataclass

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.rowwise import over_blocks


@dataclass(frozen=True)
class AdamStep:
    """The numbers of one step: p -= rate * m / (sqrt(v) + eps), bias corrections in `rate` and `eps`."""

    rate: float
    eps: float
    beta1: float
    beta2: float
    shrink: float  # decoupled weight decay: p *= 1 - shrink
    decay: float  # weight decay in the gradient: g += decay * p
    sign: int  # -1 to maximize

    def apply(
        self, xp: ArrayModule, p: Array, g: Array, m: Array, v: Array, largest: Array | None
    ) -> None:
        """Update p, m, v (and the running maximum of v) in place."""
        arrays = [p, g, m, v] + ([] if largest is None else [largest])
        if not all(a.flags.c_contiguous for a in arrays):
            self._update(xp, arrays)
            return
        flat = [a.reshape(-1) for a in arrays]
        over_blocks(xp, lambda part: self._update(xp, [a[part] for a in flat]), p.size, 1)

    def _update(self, xp: ArrayModule, arrays: list[Array]) -> None:
        p, g, m, v = arrays[:4]
        number = p.dtype.type
        step = xp.multiply(g, number(self.sign)) if self.sign != 1 or self.decay else g
        if self.decay:
            step = step + p * number(self.decay)
        if self.shrink:
            p *= number(1 - self.shrink)
        work = xp.multiply(step, number(1 - self.beta1))
        m *= number(self.beta1)
        m += work
        xp.multiply(step, step, out=work)
        work *= number(1 - self.beta2)
        v *= number(self.beta2)
        v += work
        if len(arrays) > 4:
            v = xp.maximum(arrays[4], v, out=arrays[4])
        xp.sqrt(v, out=work)
        work += number(self.eps)
        xp.divide(m, work, out=work)
        work *= number(self.rate)
        p -= work
