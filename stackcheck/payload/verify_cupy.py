"""CuPy, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import cupy

    return cupy


def build(cp):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    number = cp.cuda.runtime.runtimeGetVersion()
    cuda = "%d.%d" % (number // 1000, number % 1000 // 10)
    return {"cuda": cuda, "cudnn": None, "architectures": None}


def gpus(cp):
    """Return the GPUs that it sees; None if it does not say."""
    runtime, found = cp.cuda.runtime, []
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError:
        return []
    for index in range(count):
        known = runtime.getDeviceProperties(index)
        capability = "%d.%d" % (known["major"], known["minor"])
        found.append({"name": known["name"].decode(), "capability": capability})
    return found


def train(cp, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    rows, wanted = cp.array(samples), cp.array(targets)
    weights, losses = cp.zeros((len(samples[0]), 1)), []
    for _ in range(steps):
        difference = rows @ weights - wanted
        losses.append(float((difference**2).mean()))
        weights -= rate * 2 * rows.T @ difference / len(samples)
    return "cuda", losses
