# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204, ANN205, D102, PTH  (a script: run by hand, read from top to bottom)
"""What a training step asks of a GPU, counted without one: kernels launched, products, and array operations.

    python benchmarks/engine_launches.py

The networks of `engine_train.py`, small, train on an emulated device: NumPy arrays that count what is done
with them, and the CUDA kernels compiled by g++ for the host. Each count is a launch on a GPU. `us_a_launch`
is what the engine itself spends on one of its own kernels, before CuPy and the driver take over.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "engine"), str(HERE)]

import engine_train  # noqa: E402
import stackgrad  # noqa: E402
from stackgrad.kernels.cuda import emulation  # noqa: E402
from stackgrad.kernels.cuda.launch import each  # noqa: E402

devices = sys.modules["stackgrad.device"]
counts = Counter()


class Counted(np.ndarray):
    """An array whose operations are counted; views and shapes cost nothing."""

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        counts["products" if ufunc is np.matmul else "array operations"] += 1
        if "out" in options:
            options["out"] = tuple(_plain(o) for o in options["out"])
        return _counted(getattr(ufunc, method)(*map(_plain, inputs), **options))

    def __setitem__(self, key, value):
        counts["array operations"] += 1
        np.ndarray.__setitem__(_plain(self), key, _plain(value))


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, Counted) else value


def _counted(value):
    if isinstance(value, tuple):
        return tuple(_counted(v) for v in value)
    return np.asarray(value).view(Counted)


class CountingArrays(emulation.EmulatedArrays):
    """NumPy's functions for such arrays."""

    ndarray = Counted

    def __getattr__(self, name):
        found = getattr(np, name)
        if isinstance(found, (type, np.ufunc)) or not callable(found):
            return found
        free = name in (
            "ascontiguousarray",
            "asarray",
            "broadcast_to",
            "empty",
            "empty_like",
            "moveaxis",
        )

        def call(*args, **kwargs):
            if not free:
                counts["array operations"] += 1
            plain = [
                _plain(a) if not isinstance(a, (list, tuple)) else [_plain(p) for p in a]
                for a in args
            ]
            return _counted(found(*plain, **{key: _plain(v) for key, v in kwargs.items()}))

        return call

    @staticmethod
    def launch(body, kind, name, blocks, threads, values):
        counts["kernels"] += 1
        emulation.EmulatedArrays.launch(
            body, kind, name, blocks, threads, [_plain(v) for v in values]
        )


def moved(tensor, device):
    found = tensor.detach().clone()
    found.array, found.device = found.array.view(Counted), device
    return found


def count(make, device):
    stackgrad.manual_seed(0)
    net, x, y = make(stackgrad)
    x, y = x[:2], y[: 2 * len(y) // len(x)]
    for p in [*net.parameters(), *net.buffers()]:
        p.data = moved(p, device)
    x, y = moved(x, device), moved(y, device)
    optimizer = stackgrad.optim.AdamW(net.parameters(), 1e-3)
    for _ in range(2):  # the first step makes the optimizer's state
        counts.clear()
        loss = stackgrad.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return dict(sorted(counts.items()))


def launch_time(repeats=20_000):
    class Nothing(emulation.EmulatedArrays):
        @staticmethod
        def launch(*_):
            pass

    x = np.zeros(8, np.float32)
    arguments = (x, x, 8)
    each(Nothing(), "gelu_forward", x.dtype, 8, arguments)
    start = time.perf_counter()
    for _ in range(repeats):
        each(Nothing, "gelu_forward", x.dtype, 8, arguments)
    return (time.perf_counter() - start) / repeats * 1e6


if __name__ == "__main__":
    place = devices._make("cuda", 0, CountingArrays())
    devices._devices["cuda"] = devices._devices["cuda:0"] = place  # noqa: SLF001
    for workload in (
        engine_train.mlp,
        engine_train.cnn,
        engine_train.lstm,
        engine_train.transformer,
    ):
        found = count(workload, place)
        print(
            json.dumps({"workload": workload.__name__, **found, "all": sum(found.values())}),
            flush=True,
        )
    print(json.dumps({"us_a_launch": round(min(launch_time() for _ in range(3)), 2)}))
