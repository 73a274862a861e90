"""The arithmetic peak of a GPU from its architecture, size and clock. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["list_peaks"]

_PRECISIONS = ("float32", "tf32", "half", "fp8")
# Fused multiply-adds per multiprocessor and clock, dense, with float32 accumulation, as NVIDIA's architecture papers
# give them; 0 where the units do not exist.
_DATA_CENTRE: Mapping[tuple[int, int], tuple[int, int, int, int]] = {
    (7, 0): (64, 0, 512, 0),
    (7, 5): (64, 0, 512, 0),
    (8, 0): (64, 512, 1024, 0),
    (8, 6): (128, 256, 512, 0),
    (8, 9): (128, 256, 512, 1024),
    (9, 0): (128, 1024, 2048, 4096),
    (10, 0): (128, 2048, 4096, 8192),
    (10, 3): (128, 2048, 4096, 8192),
    (12, 0): (128, 256, 512, 1024),
}
_CONSUMER: Mapping[tuple[int, int], tuple[int, int, int, int]] = {
    (7, 5): (64, 0, 256, 0),
    (8, 6): (128, 128, 256, 0),
    (8, 9): (128, 128, 256, 512),
    (12, 0): (128, 128, 256, 512),
}


def list_peaks(
    name: str, capability: tuple[int, int], multiprocessors: int, clock_hertz: float
) -> dict[str, float]:
    """Return TFLOP/s by precision (`float32`, `tf32`, `half`, `fp8`); empty for an architecture that is not known.

    GeForce cards, TITANs and the L40 (not the L40S) run tensor cores with float32 accumulation at half rate.
    """
    words = name.replace("-", " ").split()
    is_consumer = "GeForce" in words or "TITAN" in words or "L40" in words
    units = (_CONSUMER if is_consumer else {}).get(capability) or _DATA_CENTRE.get(capability)
    if units is None:
        return {}
    scale = 2 * multiprocessors * clock_hertz / 1e12
    return {
        precision: scale * count
        for precision, count in zip(_PRECISIONS, units, strict=True)
        if count
    }
