"""A kernel that is compiled while the program runs: NVRTC, the driver's loader and a launch."""

from __future__ import annotations

import numpy as np

from stackcheck.smoke.bench import Bench, Outcome, limit

__all__ = ["check_compiled_kernel"]

_SOURCE = """
extern "C" __global__ void mix(const unsigned* given, unsigned* mixed, unsigned count) {
    unsigned place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place < count) mixed[place] = given[place] * 2654435761u ^ place;
}
"""
_COUNT = 1 << 20
_THREADS = 256


def check_compiled_kernel(bench: Bench) -> Outcome:
    """Compile and run integer code whose every word is known."""
    if not bench.is_gpu:
        return Outcome("skipped", message="the stages run on the CPU, which compiles no kernels")
    cupy = bench.cupy
    given = np.arange(_COUNT, dtype=np.uint32)[::-1].copy()
    mixed = cupy.empty(_COUNT, cupy.uint32)
    kernel = cupy.RawKernel(_SOURCE, "mix")
    kernel((_COUNT // _THREADS,), (_THREADS,), (cupy.asarray(given), mixed, np.uint32(_COUNT)))
    right = given * np.uint32(2654435761) ^ np.arange(_COUNT, dtype=np.uint32)
    wrong = int((mixed.get() != right).sum())
    return limit(
        float(wrong),
        0.0,
        "wrong words",
        "integer code on the host",
        f"{wrong} of {_COUNT} words differ",
    )
