"""The models in JAX."""

# mypy: ignore-errors
# ruff: noqa: ARG002, D102 (one interface over all frameworks, their own idioms)

import os

import numpy as np


def load(request):
    """Import JAX; returns its version and how to build a trainer."""
    if request["device"] == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    jax.config.update("jax_default_matmul_precision", "float32")  # no TF32
    return jax.__version__, lambda task, start, request: JaxTrainer(jax, task, start, request)


class JaxTrainer:
    """One model, its loss and SGD, from given weights."""

    def __init__(self, jax, task, start, request):
        self.jax, self.task = jax, task
        self.heads, self.asked_from = request["heads"], request["asked_from"]
        self.rate, self.momentum = request["rate"], request["momentum"]
        self.traced, self.nudges = None, {}
        self.parameters = {name: jax.numpy.asarray(value) for name, value in start.items()}
        self.velocity = {
            name: jax.numpy.zeros_like(value) for name, value in self.parameters.items()
        }
        compiled = request["mode"] == "compiled"
        self.update = jax.jit(self.compute) if compiled else self.compute
        self.infer = jax.jit(self.forward) if compiled else self.forward

    def compute(self, parameters, velocity, inputs, targets):
        loss, gradients = self.jax.value_and_grad(self.score)(parameters, inputs, targets)
        velocity = {name: self.momentum * v + gradients[name] for name, v in velocity.items()}
        moved = {name: p - self.rate * velocity[name] for name, p in parameters.items()}
        return loss, moved, velocity

    def score(self, p, inputs, targets):
        scores = self.forward(p, inputs)
        if self.asked_from:
            targets = targets[:, self.asked_from :]
        flat = self.jax.nn.log_softmax(scores.reshape(-1, scores.shape[-1]))
        return -self.jax.numpy.take_along_axis(flat, targets.reshape(-1, 1), axis=1).mean()

    def forward(self, p, inputs):
        """Score the classes at every position that is asked."""
        scores = getattr(self, self.task)(inputs, p, self.jax.numpy, self.jax.nn)
        return scores[:, self.asked_from :] if self.asked_from else scores

    def mark(self, name, value):
        """Keep a layer's activation while a step is traced; a nudge of zero has the gradient of that layer."""
        if self.traced is not None:
            self.traced[name] = value
        return value + self.nudges[name] if name in self.nudges else value

    def mlp(self, x, p, jnp, nn):
        hidden = self.mark("fc1", x.reshape(len(x), -1) @ p["fc1.weight"].T + p["fc1.bias"])
        hidden = self.mark("fc1.relu", nn.relu(hidden))
        return self.mark("fc2", hidden @ p["fc2.weight"].T + p["fc2.bias"])

    def cnn(self, x, p, jnp, nn):
        lax = self.jax.lax
        for name in ("conv1", "conv2"):
            x = lax.conv(x, p[name + ".weight"], (1, 1), "SAME") + p[name + ".bias"][:, None, None]
            x = self.mark(name + ".relu", nn.relu(self.mark(name, x)))
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            x = self.mark(name + ".pool", x)
        return self.mark("fc", x.reshape(len(x), -1) @ p["fc.weight"].T + p["fc.bias"])

    def rnn(self, x, p, jnp, nn):
        hidden = memory = jnp.zeros((len(x), p["lstm.weight_hh"].shape[1]), x.dtype)
        seen = []
        for place in range(x.shape[1]):  # lax.scan would be compiled again in every eager step
            gates = (
                x[:, place] @ p["lstm.weight_ih"].T
                + hidden @ p["lstm.weight_hh"].T
                + p["lstm.bias"]
            )
            enter, forget, fresh, out = jnp.split(gates, 4, axis=1)
            memory = nn.sigmoid(forget) * memory + nn.sigmoid(enter) * jnp.tanh(fresh)
            hidden = nn.sigmoid(out) * jnp.tanh(memory)
            seen.append(hidden)
        hidden = self.mark("lstm", jnp.stack(seen, 1))
        return self.mark("head", hidden @ p["head.weight"].T + p["head.bias"])

    def transformer(self, tokens, p, jnp, nn):
        hidden = self.mark("embedding", p["tokens"][tokens] + p["positions"])
        batch, length, width = hidden.shape

        def norm(x, name):
            centred = x - x.mean(-1, keepdims=True)
            spread = (centred**2).mean(-1, keepdims=True)
            x = centred / jnp.sqrt(spread + 1e-5) * p[name + ".weight"] + p[name + ".bias"]
            return self.mark(name, x)

        def linear(x, name):
            return self.mark(name, x @ p[name + ".weight"].T + p[name + ".bias"])

        mixed = linear(norm(hidden, "norm1"), "qkv").reshape(
            batch, length, 3, self.heads, width // self.heads
        )
        query, key, value = (mixed[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        later = jnp.triu(jnp.full((length, length), -1e9, hidden.dtype), 1)
        attention = nn.softmax(
            query @ key.transpose(0, 1, 3, 2) / (width // self.heads) ** 0.5 + later, axis=-1
        )
        seen = (attention @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        hidden = hidden + linear(self.mark("attention", seen), "out")
        up = nn.gelu(linear(norm(hidden, "norm2"), "up"), approximate=False)
        hidden = hidden + linear(self.mark("up.gelu", up), "down")
        return linear(norm(hidden, "norm"), "head")

    def step(self, inputs, targets):
        loss, self.parameters, self.velocity = self.update(
            self.parameters, self.velocity, self.place(inputs), self.place(targets)
        )
        self.loss = loss
        return float(loss)

    def place(self, array):
        whole = array.dtype.kind in "iu"
        return self.jax.numpy.asarray(array.astype("int32") if whole else array)

    def scores(self, inputs):
        return np.array(self.infer(self.parameters, self.place(inputs)))

    def trace(self, inputs, targets):
        """Return the activations by layer in their order, and the gradients by layer and parameter."""
        inputs, targets = self.place(inputs), self.place(targets)
        self.traced = {}
        self.loss = self.score(self.parameters, inputs, targets)
        seen, self.traced = self.traced, None

        def nudged(parameters, nudges):
            self.nudges = nudges
            return self.score(parameters, inputs, targets)

        zeros = {name: self.jax.numpy.zeros_like(value) for name, value in seen.items()}
        found = self.jax.grad(nudged, (0, 1))(self.parameters, zeros)
        return seen, dict(found[0], **found[1])

    def weights(self):
        return {name: np.array(value) for name, value in self.parameters.items()}

    def device(self):
        return (
            next(iter(self.loss.devices())) if hasattr(self.loss, "devices") else self.loss.device()
        )

    def placement(self):
        device = self.device()
        return "cpu" if device.platform == "cpu" else "cuda:%d" % device.id

    def device_memory(self):
        """Return the most bytes that were held on the GPU since the start, None on the CPU."""
        device = self.device()
        if device.platform == "cpu":
            return None
        return (device.memory_stats() or {}).get("peak_bytes_in_use")
