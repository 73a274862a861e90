# ruff: noqa: ANN001, ANN201, ANN202, ANN204, PTH  (a script: run by hand, read from top to bottom)
"""Time and peak memory of a training step of four small networks, beside PyTorch where it is installed.

    python benchmarks/engine_train.py                 # stackgrad
    python benchmarks/engine_train.py --library torch

Both run the same lines from the same seeds. Prints one JSON line per network: median milliseconds of a
step, the loss after it and the peak resident memory of the process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))


def mlp(torch):
    net = torch.nn.Sequential(
        torch.nn.Linear(784, 512),
        torch.nn.ReLU(),
        torch.nn.Linear(512, 512),
        torch.nn.ReLU(),
        torch.nn.Linear(512, 10),
    )
    return net, torch.randn(256, 784), torch.randint(0, 10, (256,))


def cnn(torch):
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 10),
    )
    return net, torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))


def lstm(torch):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(128, 256)
            self.lstm = torch.nn.LSTM(256, 256, batch_first=True)
            self.head = torch.nn.Linear(256, 128)

        def forward(self, x):
            return self.head(self.lstm(self.table(x))[0]).flatten(0, 1)

    return Model(), torch.randint(0, 128, (32, 64)), torch.randint(0, 128, (32 * 64,))


def transformer(torch):
    layer = torch.nn.TransformerEncoderLayer(
        128, 4, 512, 0.0, "gelu", batch_first=True, norm_first=True
    )
    net = torch.nn.Sequential(
        torch.nn.Embedding(256, 128),
        torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False),
        torch.nn.Linear(128, 256),
        torch.nn.Flatten(0, 1),
    )
    return net, torch.randint(0, 256, (16, 128)), torch.randint(0, 256, (16 * 128,))


def measure(torch, make, steps):
    torch.manual_seed(0)
    net, x, y = make(torch)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    times, loss = [], None
    for _ in range(steps + 3):
        start = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:]) * 1e3, float(loss.detach())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", choices=("stackgrad", "torch"), default="stackgrad")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    library = importlib.import_module(arguments.library)
    if arguments.library == "stackgrad":
        library.tune(threads=arguments.threads)
    else:
        library.set_num_threads(arguments.threads)
    for workload in (mlp, cnn, lstm, transformer):
        milliseconds, last = measure(library, workload, arguments.steps)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line = {
            "library": arguments.library,
            "workload": workload.__name__,
            "ms": round(milliseconds, 2),
        }
        print(
            json.dumps({**line, "loss": round(last, 4), "peak_mib_so_far": round(peak)}), flush=True
        )
