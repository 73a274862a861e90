"""The models in Keras 3, on whichever backend the environment chose."""

# mypy: ignore-errors
# ruff: noqa: B905, D102 (one interface over all frameworks, Python 3.7)

import os

import numpy as np

ALIKE = (
    *(("conv1", "conv1.relu"), ("conv2", "conv2.relu"), ("fc", "fc"), ("fc1", "fc1")),
    *(("fc2", "fc2"), ("lstm", "lstm"), ("norm1", "norm1"), ("attention", "out")),
    *(("norm2", "norm2"), ("up", "up"), ("down", "down"), ("norm", "norm"), ("head", "head")),
)
"""Layers in their order, and what the other programs call their activations."""


def load(request):
    """Import Keras; returns its version with the backend's name and how to build a trainer."""
    if request["device"] == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    if request["backend"]:
        os.environ["KERAS_BACKEND"] = request["backend"]
    import keras

    version = keras.__version__
    if not request["backend"]:
        version += " on " + keras.backend.backend()
    return version, lambda task, start, request: KerasTrainer(keras, task, start, request)


class KerasTrainer:
    """One model of Keras's own layers, compiled with its own SGD, from given weights."""

    def __init__(self, keras, task, start, request):
        self.keras, self.task, self.heads = keras, task, request["heads"]
        self.asked_from, self.rate = request["asked_from"], request["rate"]
        self.layers = {}
        self.model = getattr(self, task)(start)
        for name, layer in self.layers.items():
            layer.set_weights(self.to_layer(name, start))
        self.names = sorted(start)
        self.shapes = {name: value.shape for name, value in start.items()}
        self.model.compile(
            optimizer=keras.optimizers.SGD(self.rate, momentum=request["momentum"]),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            run_eagerly=request["mode"] == "eager",
            jit_compile=False,
        )

    def layer(self, name, layer):
        self.layers[name] = layer
        return layer

    def dense(self, name, start):
        return self.layer(name, self.keras.layers.Dense(start[name + ".weight"].shape[0]))

    def mlp(self, start):
        inputs = self.keras.Input((1, 8, 8))
        hidden = self.keras.ops.relu(self.dense("fc1", start)(self.keras.layers.Flatten()(inputs)))
        return self.keras.Model(inputs, self.dense("fc2", start)(hidden))

    def cnn(self, start):
        layers = self.keras.layers
        inputs = self.keras.Input((1, 8, 8))
        x = layers.Permute((2, 3, 1))(inputs)
        for name in ("conv1", "conv2"):
            filters = start[name + ".weight"].shape[0]
            convolution = layers.Conv2D(
                filters, 3, padding="same", activation="relu", data_format="channels_last"
            )
            x = self.layer(name, convolution)(x)
            x = layers.MaxPooling2D(2, data_format="channels_last")(x)
        x = layers.Flatten()(layers.Permute((3, 1, 2))(x))
        return self.keras.Model(inputs, self.dense("fc", start)(x))

    def rnn(self, start):
        inputs = self.keras.Input((12, 2))
        units = start["lstm.weight_hh"].shape[1]
        hidden = self.layer("lstm", self.keras.layers.LSTM(units, return_sequences=True))(inputs)
        return self.keras.Model(inputs, self.dense("head", start)(hidden))

    def transformer(self, start):
        layers, ops = self.keras.layers, self.keras.ops
        length, width = start["positions"].shape
        inputs = self.keras.Input((length,), dtype="int32")
        hidden = self.layer("tokens", layers.Embedding(*start["tokens"].shape))(inputs)
        places = self.layer("positions", layers.Embedding(length, width))
        hidden = hidden + places(ops.zeros_like(inputs) + ops.arange(length, dtype="int32"))

        def norm(x, name):
            return self.layer(name, layers.LayerNormalization(epsilon=1e-5))(x)

        attention = self.layer(
            "attention", layers.MultiHeadAttention(self.heads, width // self.heads)
        )
        normed = norm(hidden, "norm1")
        hidden = hidden + attention(normed, normed, use_causal_mask=True)
        up = ops.gelu(self.dense("up", start)(norm(hidden, "norm2")), approximate=False)
        hidden = hidden + self.dense("down", start)(up)
        scores = self.dense("head", start)(norm(hidden, "norm"))
        return self.keras.Model(inputs, scores[:, self.asked_from :])

    def to_layer(self, name, start):
        """Arrange canonical weights as the layer of that name keeps them."""
        if name == "lstm":
            return [start["lstm.weight_ih"].T, start["lstm.weight_hh"].T, start["lstm.bias"]]
        if name in ("tokens", "positions"):
            return [start[name]]
        if name == "attention":
            width = start["out.weight"].shape[0]
            arranged = []
            for part in range(3):
                rows = slice(part * width, (part + 1) * width)
                arranged.append(start["qkv.weight"][rows].T.reshape(width, self.heads, -1))
                arranged.append(start["qkv.bias"][rows].reshape(self.heads, -1))
            arranged.append(start["out.weight"].T.reshape(self.heads, -1, width))
            return [*arranged, start["out.bias"]]
        weight, bias = start[name + ".weight"], start[name + ".bias"]
        return [weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T, bias]

    def weights(self):
        """Return the weights in their canonical arrangement."""
        found = {}
        for name, layer in self.layers.items():
            kept = [np.array(value) for value in layer.get_weights()]
            if name == "lstm":
                found.update(
                    {"lstm.weight_ih": kept[0].T, "lstm.weight_hh": kept[1].T, "lstm.bias": kept[2]}
                )
            elif name in ("tokens", "positions"):
                found[name] = kept[0]
            elif name == "attention":
                width = len(kept[0])
                found["qkv.weight"] = np.concatenate(
                    [kept[i].reshape(width, -1).T for i in (0, 2, 4)]
                )
                found["qkv.bias"] = np.concatenate([kept[i].reshape(-1) for i in (1, 3, 5)])
                found["out.weight"], found["out.bias"] = kept[6].reshape(-1, width).T, kept[7]
            else:
                conv = kept[0].ndim == 4
                found[name + ".weight"] = kept[0].transpose(3, 2, 0, 1) if conv else kept[0].T
                found[name + ".bias"] = kept[1]
        return {name: np.ascontiguousarray(found[name]) for name in self.names}

    def step(self, inputs, targets):
        if self.asked_from:
            targets = targets[:, self.asked_from :]
        self.model.reset_metrics()  # or the loss is a mean over the steps so far
        return float(self.model.train_on_batch(inputs, targets))

    def scores(self, inputs):
        return np.asarray(self.model.predict_on_batch(inputs))

    def trace(self, inputs, targets):
        """Return the activations of the layers that it has of the others', and the parameters' gradients.

        Back ends keep gradients apart in their own ways; what one step of SGD takes away is the same in all of them.
        """
        kept = [pair for pair in ALIKE if pair[0] in self.layers]
        outputs = [self.layers[name].output for name, _ in kept]
        found = self.keras.Model(self.model.inputs, outputs).predict_on_batch(inputs)
        seen = {}
        for (_, name), value in zip(kept, found):
            whole = np.asarray(value)
            seen[name] = whole.transpose(0, 3, 1, 2) if whole.ndim == 4 else whole
        before = self.weights()
        self.step(inputs, targets)
        after = self.weights()
        return seen, {name: (before[name] - after[name]) / self.rate for name in before}

    def device_memory(self):
        """Return None: the back ends count in their own ways."""
        return

    def placement(self):
        value = self.model.trainable_variables[0].value
        if hasattr(value, "devices"):
            device = next(iter(value.devices()))
            return "cpu" if device.platform == "cpu" else "cuda:%d" % device.id
        device = str(value.device).lower()
        return "cpu" if "cpu" in device else "cuda:" + device[-1]
