# ruff: noqa: ANN001, ANN201, ANN202, ANN204, PTH  (a script: run by hand, read from top to bottom)
"""Time and peak memory of a training step of four small networks, beside PyTorch where it is installed.

    python benchmarks/engine_train.py                 # stackgrad
    python benchmarks/engine_train.py --library torch
    python benchmarks/engine_train.py --device cuda --dtype bfloat16 --captured [--library torch]

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


def measure(torch, make, arguments):
    torch.manual_seed(0)
    net, x, y = make(torch)
    kind = getattr(torch, arguments.dtype)
    net = net.to(arguments.device).to(kind)
    x, y = x.to(arguments.device), y.to(arguments.device)
    x = x.to(kind) if x.is_floating_point() else x
    graphed = arguments.captured and arguments.device != "cpu"
    options = {"capturable": True} if graphed else {}
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3, **options)

    def step():
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    if graphed:
        step = graph(torch, step)
    elif arguments.captured:
        step = torch.capture(step)
    times, loss = [], None
    for _ in range(arguments.steps + 3):
        start = time.perf_counter()
        loss = step()
        if arguments.device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:]) * 1e3, float(loss.detach())


def graph(torch, step):
    """Return the CUDA graph of a step, as PyTorch's documentation records one."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        loss = step()

    def replay():
        recorded.replay()
        return loss

    return replay


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", choices=("stackgrad", "torch"), default="stackgrad")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument(
        "--captured", action="store_true", help="a recorded step, on a GPU a CUDA graph"
    )
    arguments = parser.parse_args()
    library = importlib.import_module(arguments.library)
    if arguments.library == "stackgrad" and arguments.device == "cpu":
        library.tune(threads=arguments.threads)
    elif arguments.device == "cpu":
        library.set_num_threads(arguments.threads)
    for workload in (mlp, cnn, lstm, transformer):
        milliseconds, last = measure(library, workload, arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line = {
            "library": arguments.library,
            "device": arguments.device,
            "dtype": arguments.dtype,
            "captured": arguments.captured,
            "workload": workload.__name__,
            "ms": round(milliseconds, 2),
        }
        print(
            json.dumps({**line, "loss": round(last, 4), "peak_mib_so_far": round(peak)}), flush=True
        )
