"""PaddlePaddle, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import paddle

    return paddle


def build(paddle):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    version = paddle.version
    known = {"cuda": None, "cudnn": None, "architectures": None}
    for name in ("cuda", "cudnn"):
        text = getattr(version, name, lambda: "False")()
        known[name] = None if str(text) == "False" else str(text)
    return known


def gpus(paddle):
    """Return the GPUs that it sees; None if it does not say."""
    if not paddle.is_compiled_with_cuda():
        return []
    found = []
    for index in range(paddle.device.cuda.device_count()):
        major, minor = paddle.device.cuda.get_device_capability(index)
        name = paddle.device.cuda.get_device_name(index)
        found.append({"name": name, "capability": "%d.%d" % (major, minor)})
    return found


def train(paddle, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    rows, wanted = paddle.to_tensor(samples), paddle.to_tensor(targets)
    model = paddle.nn.Linear(len(samples[0]), 1)
    optimizer = paddle.optimizer.SGD(learning_rate=rate, parameters=model.parameters())
    losses = []
    for _ in range(steps):
        loss = ((model(rows) - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    return str(paddle.device.get_device()), losses
