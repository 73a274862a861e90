"""What every framework's program does around its own `build`: read the request, train, write what it saw.

Piped into the interpreter under test in front of one `train_<framework>.py`. Standard library, NumPy and that
framework only; Python 3.7 syntax. One JSON line goes back for each job, its arrays into `<output>.<job>.npz`.

The request: `folder`, `output` (the stem of what is written), `device` (`cpu`, `auto` or `cuda:N`), `mode` (`eager`
or `compiled`), `momentum` of SGD, and `jobs`. Each job has a `name`, `task` (`mlp`, ...), `rate`, `heads` of the
attention, `asked_from` (the first position of a sequence at which an answer is asked), and `kind`:

- `record`: train on the batches of `<name>.npz`, keep the weights before the first step and after each;
- `pace`: train on them, then answer held-out questions; times and memory count;
- `trace`: one forward and backward computation, of which every layer's activation and gradient is kept.
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
ANSWERS = 3
"""How often the held-out questions are answered: the first time may compile."""
PACE_SECONDS = 20.0
"""After which a training that is only timed ends, even if it has not seen all its batches."""
PROGRESS_SECONDS = 0.1


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


def do_job(build, request, job, progress):
    """Do one job; returns what is told of it, without its arrays.

    `progress` is called with the step, how many there are, the loss and the steps a second.
    """
    with np.load(os.path.join(request["folder"], job["name"] + ".npz")) as arrays:
        given = {name: arrays[name] for name in arrays.files}
    start = {
        name[len("weight/") :]: value for name, value in given.items() if name.startswith("weight/")
    }
    forget_peak()
    trainer = build(job["task"], start, dict(request, **job))
    if job["kind"] == "trace":
        told, seen = trace(trainer, given)
    else:
        told, seen = train(trainer, given, job["kind"] == "record", progress)
    if job["kind"] == "pace":
        told.update(answer(trainer, given, job["asked_from"]))
    if seen:
        path = os.path.join(request["folder"], request["output"] + "." + job["name"] + ".npz")
        np.savez(path, **seen)
    memory = trainer.device_memory()
    told["memory_bytes"] = peak_memory() if memory is None else memory
    told["job"], told["placement"] = job["name"], trainer.placement()
    told["libraries"] = library_files()
    return told


def train(trainer, given, record, progress):
    """Take a step for each batch; returns the losses and times, and the weights where they are to be kept."""
    seen = {}

    def keep(step):
        for name, value in trainer.weights().items() if record else ():
            seen["%d/%s" % (step, name)] = value

    keep(0)
    losses, seconds = [], []
    for step, (inputs, targets) in enumerate(zip(given["x"], given["y"]), 1):
        began = time.time()
        losses.append(float(trainer.step(inputs, targets)))
        seconds.append(time.time() - began)
        keep(step)
        progress(step, len(given["x"]), losses[-1], 1 / max(np.mean(seconds[-10:]), 1e-9))
        if not record and sum(seconds) > PACE_SECONDS:
            break
    return {
        "losses": losses,
        "seconds": sum(seconds),
        "step_seconds": float(np.median(seconds[1:] or seconds)),
    }, seen


def answer(trainer, given, asked_from):
    """Answer held-out questions; returns the seconds that it takes and the share of right answers."""
    seconds = []
    for _ in range(ANSWERS):
        began = time.time()
        scores = trainer.scores(given["held_x"])
        seconds.append(time.time() - began)
    right = given["held_y"][:, asked_from:] if asked_from else given["held_y"]
    return {
        "inference_seconds": min(seconds[1:]),
        "accuracy": float((scores.argmax(-1) == right).mean()),
    }


def trace(trainer, given):
    """Compute one loss and its gradients; returns the order of the layers, and all arrays."""
    activations, gradients = trainer.trace(given["x"][0], given["y"][0])
    seen = {"activation/" + name: np.asarray(value) for name, value in activations.items()}
    seen.update(("gradient/" + name, np.asarray(value)) for name, value in gradients.items())
    return {"layers": list(activations)}, seen


def forget_peak():
    """Let the peak of this process's memory begin anew, where Linux allows it."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak_memory():
    """Return the most memory that this process has held, in bytes; None where the system does not tell."""
    try:
        with open("/proc/self/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def word(error):
    """Return the kind of an error and its text, of which the first lines say enough."""
    text = str(error).strip()
    return "%s: %s" % (type(error).__name__, text[:2000] or "no message")


def end_with_parent():
    """End as soon as standard input is closed: whoever started this is gone."""
    sys.stdin.read()
    os._exit(1)


def run(load):
    """Load the framework, do each job of the request, and tell a line of JSON for each."""
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
        tell({"failed": word(error)})
        return
    tell({"version": version})
    told_at = [0.0]

    def progress(step, steps, loss, rate):
        if time.time() - told_at[0] >= PROGRESS_SECONDS or step == steps:
            told_at[0] = time.time()
            tell({"step": step, "steps": steps, "loss": loss, "rate": rate})

    for job in request["jobs"]:
        try:
            line = do_job(build, request, job, progress)
        except Exception as error:
            line = {"job": job["name"], "failed": word(error)}
        tell(line)
    told.close()
    sys.stderr.flush()
    os._exit(0)  # several frameworks crash while they are torn down, after all is done
