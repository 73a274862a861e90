"""What every framework's program does around its own `build`: read the request, train, write what it saw.

Piped into the interpreter under test in front of one `train_<framework>.py`. Standard library, NumPy and that
framework only; Python 3.7 syntax. One JSON line goes back for each task, the weights after each step into an .npz
file.

The request: `folder` with one .npz of batches and first weights for each of `tasks`, `output` (the stem of what is
written), `device` (`cpu`, `auto` or `cuda:N`), `mode` (`eager` or `compiled`), `rate` (by task) and `momentum` of
SGD, `heads` of the attention, `asked_from` (by task, the first position of a sequence at which an answer is asked).
"""

# mypy: ignore-errors
# ruff: noqa: B905 (`strict` of zip is newer than Python 3.7)

import json
import os
import re
import sys
import threading
import time

import numpy as np

LIBRARIES = re.compile(
    r"(cublas|cudnn|dnnl|mkl|openblas|nvrtc|_xla|torch_cpu|torch_cuda|tensorflow_cc|_pywrap_tensorflow|paddle|mxnet)"
)


def library_files():
    """List the math libraries that this process has loaded; empty where the system does not tell."""
    try:
        with open("/proc/self/maps") as maps:
            paths = {
                line.split(None, 5)[5].strip()
                for line in maps
                if line.count(" ") >= 5 and "/" in line
            }
    except (OSError, IndexError):
        return []
    return sorted(path for path in paths if LIBRARIES.search(os.path.basename(path)))


def train(build, request, task):
    """Train one task for the steps of its batches; returns what is told of it."""
    with np.load(os.path.join(request["folder"], task + ".npz")) as arrays:
        given = {name: arrays[name] for name in arrays.files}
    start = {
        name[len("weight/") :]: value for name, value in given.items() if name.startswith("weight/")
    }
    trainer = build(task, start, request)
    seen = {"0/" + name: value for name, value in trainer.weights().items()}
    losses, seconds = [], []
    for step, (inputs, targets) in enumerate(zip(given["x"], given["y"]), 1):
        began = time.time()
        losses.append(float(trainer.step(inputs, targets)))
        seconds.append(time.time() - began)
        for name, value in trainer.weights().items():
            seen["%d/%s" % (step, name)] = value
    np.savez(os.path.join(request["folder"], request["output"] + "." + task + ".npz"), **seen)
    return {
        "losses": losses,
        "placement": trainer.placement(),
        "seconds": sum(seconds),
        "step_seconds": float(np.median(seconds)),
        "memory_bytes": peak_memory(),
        "libraries": library_files(),
    }


def peak_memory():
    """Return the most memory that this process has held, in bytes; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def end_with_parent():
    """End as soon as standard input is closed: whoever started this is gone."""
    sys.stdin.read()
    os._exit(1)


def run(load):
    """Load the framework, train each task of the request, and tell a line of JSON for each."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the framework prints must not come between

    def tell(line):
        told.write(json.dumps(line) + "\n")
        told.flush()

    with open(sys.argv[1]) as file:
        request = json.load(file)
    try:
        version, build = load(request)
    except Exception as error:
        tell({"failed": "%s: %s" % (type(error).__name__, str(error).strip().split("\n")[0])})
        return
    tell({"version": version})
    for task in request["tasks"]:
        try:
            line = train(build, request, task)
        except Exception as error:
            line = {"failed": "%s: %s" % (type(error).__name__, str(error).strip().split("\n")[0])}
        line["task"] = task
        tell(line)
    told.close()
    sys.stderr.flush()
    os._exit(0)  # several frameworks crash while they are torn down, after all is done
