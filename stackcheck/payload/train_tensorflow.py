"""The models in TensorFlow, without Keras."""

# mypy: ignore-errors
# ruff: noqa: ARG002, B905, D102 (one interface over all frameworks, Python 3.7)

import numpy as np


def load(request):
    """Import TensorFlow; returns its version and how to build a trainer."""
    import tensorflow as tf

    if request["device"] == "cpu":
        tf.config.set_visible_devices([], "GPU")
    if hasattr(tf.config.experimental, "enable_tensor_float_32_execution"):
        tf.config.experimental.enable_tensor_float_32_execution(False)
    return tf.__version__, lambda task, start, request: TensorFlowTrainer(tf, task, start, request)


class TensorFlowTrainer:
    """One model, its loss and SGD, from given weights."""

    def __init__(self, tf, task, start, request):
        self.tf, self.task = tf, task
        self.heads, self.asked_from = request["heads"], request["asked_from"]
        self.rate, self.momentum = request["rate"], request["momentum"]
        self.traced = None
        self.parameters = {name: tf.Variable(value) for name, value in start.items()}
        self.velocity = {name: tf.Variable(np.zeros_like(value)) for name, value in start.items()}
        compiled = request["mode"] == "compiled"
        self.update = tf.function(self.compute) if compiled else self.compute
        self.infer = tf.function(self.forward) if compiled else self.forward

    def compute(self, inputs, targets):
        with self.tf.GradientTape() as tape:
            loss = self.score(inputs, targets)
        names = sorted(self.parameters)
        gradients = tape.gradient(loss, [self.parameters[name] for name in names])
        for name, gradient in zip(names, gradients):
            whole = self.tf.convert_to_tensor(gradient)  # that of an embedding comes in slices
            self.velocity[name].assign(self.momentum * self.velocity[name] + whole)
            self.parameters[name].assign_sub(self.rate * self.velocity[name])
        return loss

    def score(self, inputs, targets):
        tf = self.tf
        scores = self.forward(inputs)
        if self.asked_from:
            targets = targets[:, self.asked_from :]
        flat = tf.reshape(scores, (-1, scores.shape[-1]))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(targets, (-1,)), logits=flat
        )
        return tf.reduce_mean(losses)

    def forward(self, inputs):
        """Score the classes at every position that is asked."""
        scores = getattr(self, self.task)(inputs, self.parameters, self.tf)
        return scores[:, self.asked_from :] if self.asked_from else scores

    def mark(self, name, value):
        """Keep a layer's activation while a step is traced."""
        if self.traced is not None:
            self.traced[name] = value
        return value

    def linear(self, x, name):
        weight, bias = self.parameters[name + ".weight"], self.parameters[name + ".bias"]
        flat = self.tf.reshape(x, (-1, x.shape[-1]))
        found = self.tf.linalg.matmul(flat, weight, transpose_b=True) + bias
        return self.mark(name, self.tf.reshape(found, (*x.shape[:-1], weight.shape[0])))

    def mlp(self, x, p, tf):
        hidden = tf.nn.relu(self.linear(tf.reshape(x, (x.shape[0], -1)), "fc1"))
        return self.linear(self.mark("fc1.relu", hidden), "fc2")

    def cnn(self, x, p, tf):
        x = tf.transpose(x, (0, 2, 3, 1))  # the CPU has no kernels for channels first
        for name in ("conv1", "conv2"):
            kernel = tf.transpose(p[name + ".weight"], (2, 3, 1, 0))
            x = self.mark(name, tf.nn.conv2d(x, kernel, 1, "SAME") + p[name + ".bias"])
            x = self.mark(name + ".relu", tf.nn.relu(x))
            x = self.mark(name + ".pool", tf.nn.max_pool2d(x, 2, 2, "VALID"))
        return self.linear(tf.reshape(tf.transpose(x, (0, 3, 1, 2)), (x.shape[0], -1)), "fc")

    def rnn(self, x, p, tf):
        hidden = memory = tf.zeros((x.shape[0], p["lstm.weight_hh"].shape[1]))
        seen = []
        for place in range(x.shape[1]):
            gates = (
                tf.linalg.matmul(x[:, place], p["lstm.weight_ih"], transpose_b=True)
                + p["lstm.bias"]
            )
            gates += tf.linalg.matmul(hidden, p["lstm.weight_hh"], transpose_b=True)
            enter, forget, fresh, out = tf.split(gates, 4, axis=1)
            memory = tf.sigmoid(forget) * memory + tf.sigmoid(enter) * tf.tanh(fresh)
            hidden = tf.sigmoid(out) * tf.tanh(memory)
            seen.append(hidden)
        return self.linear(self.mark("lstm", tf.stack(seen, 1)), "head")

    def transformer(self, tokens, p, tf):
        hidden = self.mark("embedding", tf.gather(p["tokens"], tokens) + p["positions"])
        batch, length, width = hidden.shape

        def norm(x, name):
            mean, spread = tf.nn.moments(x, [-1], keepdims=True)
            scaled = (x - mean) * tf.math.rsqrt(spread + 1e-5) * p[name + ".weight"]
            return self.mark(name, scaled + p[name + ".bias"])

        mixed = self.linear(norm(hidden, "norm1"), "qkv")
        mixed = tf.reshape(mixed, (batch, length, 3, self.heads, width // self.heads))
        query, key, value = (tf.transpose(mixed[:, :, i], (0, 2, 1, 3)) for i in range(3))
        later = tf.constant(np.triu(np.full((length, length), -1e9, np.float32), 1))
        scores = tf.linalg.matmul(query, key, transpose_b=True) / (width // self.heads) ** 0.5
        seen = tf.transpose(tf.linalg.matmul(tf.nn.softmax(scores + later), value), (0, 2, 1, 3))
        seen = self.mark("attention", tf.reshape(seen, (batch, length, width)))
        hidden = hidden + self.linear(seen, "out")
        up = tf.nn.gelu(self.linear(norm(hidden, "norm2"), "up"), approximate=False)
        hidden = hidden + self.linear(self.mark("up.gelu", up), "down")
        return self.linear(norm(hidden, "norm"), "head")

    def step(self, inputs, targets):
        self.loss = self.update(self.tf.constant(inputs), self.tf.constant(targets))
        return float(self.loss.numpy())

    def scores(self, inputs):
        return self.infer(self.tf.constant(inputs)).numpy()

    def trace(self, inputs, targets):
        """Return the activations by layer in their order, and the gradients by layer and parameter."""
        self.traced = {}
        with self.tf.GradientTape() as tape:
            self.loss = self.score(self.tf.constant(inputs), self.tf.constant(targets))
        wanted = dict(self.traced, **self.parameters)
        found = tape.gradient(self.loss, list(wanted.values()))
        gradients = {
            name: self.tf.convert_to_tensor(gradient).numpy()
            for name, gradient in zip(wanted, found)
        }
        return {name: value.numpy() for name, value in self.traced.items()}, gradients

    def weights(self):
        return {name: np.array(value.numpy()) for name, value in self.parameters.items()}

    def placement(self):
        kind, number = self.loss.device.rsplit(":", 2)[-2:]
        return "cpu" if kind == "CPU" else "cuda:" + number

    def device_memory(self):
        """Return the most bytes that were held on the GPU since the start, None on the CPU or before 2.5."""
        kind, number = self.loss.device.rsplit(":", 2)[-2:]
        if kind == "CPU" or not hasattr(self.tf.config.experimental, "get_memory_info"):
            return None
        return self.tf.config.experimental.get_memory_info("GPU:" + number)["peak"]
