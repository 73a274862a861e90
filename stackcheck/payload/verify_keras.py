"""Keras 2 and 3, on the back end that its configuration names, as `verify.py` asks for it."""

# mypy: ignore-errors


def load():
    """Import it."""
    import keras

    return keras


def build(_keras):
    """Return the CUDA, cuDNN and architectures that it was built with, as far as it tells."""
    return {"cuda": None, "cudnn": None, "architectures": None}


def gpus(_keras):
    """Return the GPUs that it sees; None if it does not say."""
    return


def train(keras, samples, targets, steps, rate):
    """Train a linear layer; return the device and the losses."""
    import numpy

    layer = keras.layers.Dense(1, input_shape=(len(samples[0]),))
    model = keras.models.Sequential([layer])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse")
    rows, wanted = numpy.array(samples, "float32"), numpy.array(targets, "float32")
    losses = [float(model.train_on_batch(rows, wanted)) for _ in range(steps)]
    return "%s backend" % keras.backend.backend(), losses
