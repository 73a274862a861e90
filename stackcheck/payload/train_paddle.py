"""The models in PaddlePaddle."""

# mypy: ignore-errors
# ruff: noqa: ARG002, B905, D102, N803 (one interface over all frameworks, their own idioms)

import numpy as np


def load(request):
    """Import Paddle; returns its version and how to build a trainer."""
    import paddle

    if request["device"] != "auto":
        paddle.set_device(request["device"].replace("cuda", "gpu"))
    return paddle.__version__, lambda task, start, request: PaddleTrainer(
        paddle, task, start, request
    )


class PaddleTrainer:
    """One model, its loss and SGD, from given weights."""

    def __init__(self, paddle, task, start, request):
        self.paddle, self.task = paddle, task
        self.heads, self.asked_from = request["heads"], request["asked_from"]
        self.parameters, self.traced = {}, None
        for name, value in start.items():
            parameter = paddle.create_parameter(value.shape, "float32")
            parameter.set_value(value)
            self.parameters[name] = parameter
        if task == "rnn":
            self.use_lstm(start)
        self.optimizer = paddle.optimizer.Momentum(
            request["rate"], request["momentum"], parameters=list(self.parameters.values())
        )
        self.loss = self.compute
        if request["mode"] == "compiled":
            compute = self.compute

            class Model(paddle.nn.Layer):  # bound methods are translated of layers only
                def forward(self, inputs, targets):
                    return compute(inputs, targets)

            self.loss = paddle.jit.to_static(Model())

    def use_lstm(self, start):
        """Let the framework's own LSTM compute; its second bias stays zero, since the optimizer is not given it."""
        four, features = start["lstm.weight_ih"].shape
        self.lstm = self.paddle.nn.LSTM(features, four // 4)
        own = dict(self.lstm.named_parameters())
        for name, theirs in (
            ("weight_ih", "weight_ih_l0"),
            ("weight_hh", "weight_hh_l0"),
            ("bias", "bias_ih_l0"),
        ):
            own[theirs].set_value(start["lstm." + name])
            self.parameters["lstm." + name] = own[theirs]
        own["bias_hh_l0"].set_value(np.zeros(four, np.float32))

    def compute(self, inputs, targets):
        scores = self.forward(inputs)
        if self.asked_from:
            targets = targets[:, self.asked_from :]
        return self.paddle.nn.functional.cross_entropy(
            scores.reshape([-1, scores.shape[-1]]), targets.reshape([-1])
        )

    def forward(self, inputs):
        """Score the classes at every position that is asked."""
        scores = getattr(self, self.task)(inputs, self.parameters, self.paddle.nn.functional)
        return scores[:, self.asked_from :] if self.asked_from else scores

    def mark(self, name, value):
        """Keep a layer's activation while a step is traced."""
        if self.traced is not None:
            self.traced[name] = value
        return value

    def linear(self, x, name):
        weight, bias = self.parameters[name + ".weight"], self.parameters[name + ".bias"]
        return self.mark(name, self.paddle.matmul(x, weight, transpose_y=True) + bias)

    def mlp(self, x, p, F):
        hidden = F.relu(self.linear(x.flatten(1), "fc1"))
        return self.linear(self.mark("fc1.relu", hidden), "fc2")

    def cnn(self, x, p, F):
        for name in ("conv1", "conv2"):
            x = F.conv2d(x, p[name + ".weight"], p[name + ".bias"], padding=1)
            x = self.mark(name + ".relu", F.relu(self.mark(name, x)))
            x = self.mark(name + ".pool", F.max_pool2d(x, 2))
        return self.linear(x.flatten(1), "fc")

    def rnn(self, x, p, F):
        return self.linear(self.mark("lstm", self.lstm(x)[0]), "head")

    def transformer(self, tokens, p, F):
        hidden = self.mark("embedding", F.embedding(tokens, p["tokens"]) + p["positions"])
        batch, length, width = hidden.shape

        def norm(x, name):
            x = F.layer_norm(x, [width], p[name + ".weight"], p[name + ".bias"], 1e-5)
            return self.mark(name, x)

        mixed = self.linear(norm(hidden, "norm1"), "qkv")
        mixed = mixed.reshape([batch, length, 3, self.heads, width // self.heads])
        query, key, value = (mixed[:, :, i].transpose([0, 2, 1, 3]) for i in range(3))
        later = self.paddle.to_tensor(np.triu(np.full((length, length), -1e9, np.float32), 1))
        scores = self.paddle.matmul(query, key, transpose_y=True) / (width // self.heads) ** 0.5
        seen = self.paddle.matmul(F.softmax(scores + later), value).transpose([0, 2, 1, 3])
        seen = self.mark("attention", seen.reshape([batch, length, width]))
        hidden = hidden + self.linear(seen, "out")
        up = self.mark("up.gelu", F.gelu(self.linear(norm(hidden, "norm2"), "up")))
        hidden = hidden + self.linear(up, "down")
        return self.linear(norm(hidden, "norm"), "head")

    def step(self, inputs, targets):
        loss = self.loss(self.paddle.to_tensor(inputs), self.paddle.to_tensor(targets))
        loss.backward()
        self.optimizer.step()
        self.optimizer.clear_grad()
        self.place = loss.place
        return float(loss.numpy())

    def scores(self, inputs):
        with self.paddle.no_grad():
            return self.forward(self.paddle.to_tensor(inputs)).numpy()

    def trace(self, inputs, targets):
        """Return the activations by layer in their order, and the gradients by layer and parameter."""
        self.traced = {}
        loss = self.compute(self.paddle.to_tensor(inputs), self.paddle.to_tensor(targets))
        self.place = loss.place
        wanted = dict(self.traced, **self.parameters)
        found = self.paddle.grad(loss, list(wanted.values()))
        gradients = {name: gradient.numpy() for name, gradient in zip(wanted, found)}
        return {name: value.numpy() for name, value in self.traced.items()}, gradients

    def weights(self):
        return {name: np.array(value.numpy()) for name, value in self.parameters.items()}

    def placement(self):
        return "cuda:%d" % self.place.gpu_device_id() if self.place.is_gpu_place() else "cpu"

    def device_memory(self):
        """Return the most bytes that were held on the GPU since the start, None on the CPU or before 2.4."""
        cuda = getattr(self.paddle.device, "cuda", None)
        if not self.place.is_gpu_place() or not hasattr(cuda, "max_memory_allocated"):
            return None
        return cuda.max_memory_allocated(self.place.gpu_device_id())
