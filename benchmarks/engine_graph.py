# ruff: noqa: ANN001, ANN201, ANN202, PTH  (a script: run by hand, read from top to bottom)
"""What the graph costs: microseconds per operation on small tensors, and growth with depth.

    python benchmarks/engine_graph.py

Prints forward and backward time per recorded operation on eight elements, NumPy's own share, and the
time per operation of chains of 100 to 10,000 operations, which should not grow.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import stackgrad


def best(run, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def chain(depth):
    x = stackgrad.ones(8, requires_grad=True)

    def run():
        y = x
        for _ in range(depth):
            y = y * 1.0001
        y.sum().backward()
        x.grad = None

    return best(run) / depth * 1e6


def numpy_chain(depth):
    x = np.ones(8, np.float32)

    def run():
        y = x
        for _ in range(2 * depth):
            y = y * np.float32(1.0001)

    return best(run) / depth * 1e6


if __name__ == "__main__":
    depths = (100, 1_000, 10_000)
    per_op = {depth: round(chain(depth), 2) for depth in depths}
    print(
        json.dumps(
            {
                "us_per_op_forward_and_backward": per_op,
                "of_which_numpy": round(numpy_chain(1_000), 2),
            }
        )
    )
