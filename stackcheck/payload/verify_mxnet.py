"""MXNet, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import mxnet

    return mxnet


def build(_mx):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    return {"cuda": None, "cudnn": None, "architectures": None}


def gpus(mx):
    """Return the GPUs that it sees; None if it does not say."""
    return [{"name": "GPU", "capability": None}] * mx.context.num_gpus()


def train(mx, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    context = mx.gpu() if mx.context.num_gpus() else mx.cpu()
    rows, wanted = (
        mx.nd.array(samples, ctx=context),
        mx.nd.array(targets, ctx=context),
    )
    model = mx.gluon.nn.Dense(1)
    model.initialize(ctx=context)
    trainer = mx.gluon.Trainer(model.collect_params(), "sgd", {"learning_rate": rate})
    losses = []
    for _ in range(steps):
        with mx.autograd.record():
            loss = mx.nd.mean((model(rows) - wanted) ** 2)
        loss.backward()
        trainer.step(1)
        losses.append(float(loss.asscalar()))
    return str(context), losses
