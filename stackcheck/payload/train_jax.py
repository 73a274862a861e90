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
        self.heads, self.asked_from = request["heads"], request["asked_from"].get(task, 0)
        self.rate, self.momentum = request["rate"][task], request["momentum"]
        self.parameters = {name: jax.numpy.asarray(value) for name, value in start.items()}
        self.velocity = {
            name: jax.numpy.zeros_like(value) for name, value in self.parameters.items()
        }
        self.update = jax.jit(self.compute) if request["mode"] == "compiled" else self.compute

    def compute(self, parameters, velocity, inputs, targets):
        loss, gradients = self.jax.value_and_grad(self.score)(parameters, inputs, targets)
        velocity = {name: self.momentum * v + gradients[name] for name, v in velocity.items()}
        moved = {name: p - self.rate * velocity[name] for name, p in parameters.items()}
        return loss, moved, velocity

    def score(self, p, inputs, targets):
        jnp = self.jax.numpy
        scores = getattr(self, self.task)(inputs, p, jnp, self.jax.nn)
        if self.asked_from:
            scores, targets = scores[:, self.asked_from :], targets[:, self.asked_from :]
        flat = self.jax.nn.log_softmax(scores.reshape(-1, scores.shape[-1]))
        return -jnp.take_along_axis(flat, targets.reshape(-1, 1), axis=1).mean()

    def mlp(self, x, p, jnp, nn):
        hidden = nn.relu(x.reshape(len(x), -1) @ p["fc1.weight"].T + p["fc1.bias"])
        return hidden @ p["fc2.weight"].T + p["fc2.bias"]

    def cnn(self, x, p, jnp, nn):
        lax = self.jax.lax
        for name in ("conv1", "conv2"):
            x = lax.conv(x, p[name + ".weight"], (1, 1), "SAME") + p[name + ".bias"][:, None, None]
            x = lax.reduce_window(
                nn.relu(x), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"
            )
        return x.reshape(len(x), -1) @ p["fc.weight"].T + p["fc.bias"]

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
        return jnp.stack(seen, 1) @ p["head.weight"].T + p["head.bias"]

    def transformer(self, tokens, p, jnp, nn):
        hidden = p["tokens"][tokens] + p["positions"]
        batch, length, width = hidden.shape

        def norm(x, name):
            centred = x - x.mean(-1, keepdims=True)
            spread = (centred**2).mean(-1, keepdims=True)
            return centred / jnp.sqrt(spread + 1e-5) * p[name + ".weight"] + p[name + ".bias"]

        def linear(x, name):
            return x @ p[name + ".weight"].T + p[name + ".bias"]

        mixed = linear(norm(hidden, "norm1"), "qkv").reshape(
            batch, length, 3, self.heads, width // self.heads
        )
        query, key, value = (mixed[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        later = jnp.triu(jnp.full((length, length), -1e9, hidden.dtype), 1)
        attention = nn.softmax(
            query @ key.transpose(0, 1, 3, 2) / (width // self.heads) ** 0.5 + later, axis=-1
        )
        seen = (attention @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        hidden = hidden + linear(seen, "out")
        hidden = hidden + linear(
            nn.gelu(linear(norm(hidden, "norm2"), "up"), approximate=False), "down"
        )
        return linear(norm(hidden, "norm"), "head")

    def step(self, inputs, targets):
        inputs, targets = (
            self.jax.numpy.asarray(inputs),
            self.jax.numpy.asarray(targets.astype("int32")),
        )
        loss, self.parameters, self.velocity = self.update(
            self.parameters, self.velocity, inputs, targets
        )
        self.loss = loss
        return float(loss)

    def weights(self):
        return {name: np.array(value) for name, value in self.parameters.items()}

    def placement(self):
        device = (
            next(iter(self.loss.devices())) if hasattr(self.loss, "devices") else self.loss.device()
        )
        return "cpu" if device.platform == "cpu" else "cuda:%d" % device.id
