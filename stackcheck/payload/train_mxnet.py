"""The models in Apache MXNet (Gluon)."""

# mypy: ignore-errors
# ruff: noqa: ARG001, D102, N803 (one interface over all frameworks, their own idioms)

import numpy as np


def load(request):
    """Import MXNet; returns its version and how to build a trainer."""
    import mxnet as mx

    return mx.__version__, lambda task, start, request: MxnetTrainer(mx, task, start, request)


def choose_context(mx, device):
    """Return the context that a request's device means."""
    if device == "cpu" or (device == "auto" and not mx.context.num_gpus()):
        return mx.cpu()
    return mx.gpu(int(device.partition(":")[2] or 0))


class MxnetTrainer:
    """One model, its loss and SGD, from given weights."""

    def __init__(self, mx, task, start, request):
        self.mx, self.start = mx, start
        self.context = choose_context(mx, request["device"])
        self.models = models = Models(start, request["heads"], request["asked_from"])
        self.forward = forward = getattr(models, task)

        class Net(mx.gluon.HybridBlock):
            def __init__(self):
                super().__init__()
                for name, value in start.items():
                    attribute = name.replace(".", "_")
                    setattr(self, attribute, self.params.get(attribute, shape=value.shape))

            def hybrid_forward(self, F, inputs, targets, **p):
                scores = F.log_softmax(forward(F, inputs, p), axis=-1)
                if models.asked_from:
                    scores = F.slice_axis(scores, axis=1, begin=models.asked_from, end=None)
                    targets = F.slice_axis(targets, axis=1, begin=models.asked_from, end=None)
                return -F.mean(F.pick(scores, targets, axis=-1))

        self.net = Net()
        self.net.initialize(ctx=self.context)
        for name, value in start.items():
            self.parameter(name).set_data(mx.nd.array(value, ctx=self.context))
        if request["mode"] == "compiled":
            self.net.hybridize()
        settings = {"learning_rate": request["rate"], "momentum": request["momentum"]}
        self.trainer = mx.gluon.Trainer(self.net.collect_params(), "sgd", settings)

    def parameter(self, name):
        return getattr(self.net, name.replace(".", "_"))

    def step(self, inputs, targets):
        with self.mx.autograd.record():
            self.loss = self.net(
                self.mx.nd.array(inputs, ctx=self.context),
                self.mx.nd.array(targets, ctx=self.context),
            )
        self.loss.backward()
        self.trainer.step(1)
        return float(self.loss.asscalar())

    def on_device(self):
        """Return the parameters as arrays by the names that the models use."""
        return {
            name.replace(".", "_"): self.parameter(name).data(self.context) for name in self.start
        }

    def scores(self, inputs):
        given = self.mx.nd.array(inputs, ctx=self.context)
        scores = self.forward(self.mx.nd, given, self.on_device()).asnumpy()
        return scores[:, self.models.asked_from :] if self.models.asked_from else scores

    def trace(self, inputs, targets):
        """Return the activations by layer in their order, and the gradients by layer and parameter."""
        mx, models = self.mx, self.models
        given = [mx.nd.array(array, ctx=self.context) for array in (inputs, targets)]
        models.traced = {}
        self.forward(mx.nd, given[0], self.on_device())
        seen, models.traced = models.traced, None
        models.nudges = {name: mx.nd.zeros_like(value) for name, value in seen.items()}
        for nudge in models.nudges.values():
            nudge.attach_grad()
        with mx.autograd.record():
            self.loss = self.net(*given)
        self.loss.backward()
        gradients = {name: nudge.grad.asnumpy() for name, nudge in models.nudges.items()}
        for name in self.start:
            gradients[name] = self.parameter(name).grad(self.context).asnumpy()
        return {name: value.asnumpy() for name, value in seen.items()}, gradients

    def weights(self):
        return {
            name: np.array(self.parameter(name).data(self.context).asnumpy()) for name in self.start
        }

    def placement(self):
        kind, number = self.loss.context.device_type, self.loss.context.device_id
        return "cpu" if kind == "cpu" else "cuda:%d" % number

    def device_memory(self):
        """Return the bytes that are held on the GPU now, None on the CPU; MXNet keeps what it once took."""
        if self.loss.context.device_type == "cpu":
            return None
        free, total = self.mx.context.gpu_memory_info(self.loss.context.device_id)
        return total - free


class Models:
    """The forward computations; sizes come from the weights, since symbols have none."""

    def __init__(self, start, heads, asked_from):
        self.start, self.heads, self.asked_from = start, heads, asked_from
        self.traced, self.nudges = None, {}

    def mark(self, name, value):
        """Keep a layer's activation while a step is traced; a nudge of zero has the gradient of that layer."""
        if self.traced is not None:
            self.traced[name] = value
        return value + self.nudges[name] if name in self.nudges else value

    def linear(self, F, x, p, name):
        units = len(self.start[name + ".bias"])
        weight, bias = p[name + "_weight"], p[name + "_bias"]
        return self.mark(name, F.FullyConnected(x, weight, bias, num_hidden=units, flatten=False))

    def mlp(self, F, x, p):
        hidden = F.relu(self.linear(F, F.flatten(x), p, "fc1"))
        return self.linear(F, self.mark("fc1.relu", hidden), p, "fc2")

    def cnn(self, F, x, p):
        for name in ("conv1", "conv2"):
            filters = len(self.start[name + ".bias"])
            x = F.Convolution(
                x,
                p[name + "_weight"],
                p[name + "_bias"],
                kernel=(3, 3),
                pad=(1, 1),
                num_filter=filters,
            )
            x = self.mark(name + ".relu", F.relu(self.mark(name, x)))
            x = F.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")
            x = self.mark(name + ".pool", x)
        return self.linear(F, F.flatten(x), p, "fc")

    def rnn(self, F, x, p):
        units = self.start["lstm.weight_hh"].shape[1]
        flat = [
            F.reshape(p[name], (-1,)) for name in ("lstm_weight_ih", "lstm_weight_hh", "lstm_bias")
        ]
        packed = F.concat(*flat, F.zeros_like(p["lstm_bias"]), dim=0)
        along = F.transpose(x, (1, 0, 2))
        first = F.slice_axis(F.zeros_like(along), axis=0, begin=0, end=1)
        zero = F.broadcast_axis(F.sum(first, axis=2, keepdims=True), axis=2, size=units)
        hidden = F.RNN(along, packed, zero, zero, state_size=units, num_layers=1, mode="lstm")
        hidden = self.mark("lstm", F.transpose(hidden, (1, 0, 2)))
        return self.linear(F, hidden, p, "head")

    def transformer(self, F, tokens, p):
        symbols, width = self.start["tokens"].shape
        length, share = len(self.start["positions"]), width // self.heads

        def norm(x, name):
            x = F.LayerNorm(x, p[name + "_weight"], p[name + "_bias"], eps=1e-5)
            return self.mark(name, x)

        def part(mixed, index):
            chosen = F.slice_axis(mixed, axis=2, begin=index * width, end=(index + 1) * width)
            apart = F.transpose(F.reshape(chosen, (0, 0, self.heads, share)), (0, 2, 1, 3))
            return F.reshape(apart, (-3, 0, 0))

        hidden = F.Embedding(tokens, p["tokens"], input_dim=symbols, output_dim=width)
        hidden = F.broadcast_add(hidden, F.expand_dims(p["positions"], 0))
        hidden = self.mark("embedding", hidden)
        mixed = self.linear(F, norm(hidden, "norm1"), p, "qkv")
        query, key, value = (part(mixed, index) for index in range(3))
        row = F.reshape(F.arange(0, length), (1, length, 1))
        later = F.broadcast_greater(F.reshape(F.arange(0, length), (1, 1, length)), row)
        scores = F.batch_dot(query, key, transpose_b=True) / share**0.5
        seen = F.batch_dot(F.softmax(F.broadcast_add(scores, later * -1e9), axis=-1), value)
        seen = F.transpose(F.reshape(seen, (-4, -1, self.heads, 0, 0)), (0, 2, 1, 3))
        seen = self.mark("attention", F.reshape(seen, (0, 0, -3)))
        hidden = hidden + self.linear(F, seen, p, "out")
        up = F.LeakyReLU(self.linear(F, norm(hidden, "norm2"), p, "up"), act_type="gelu")
        hidden = hidden + self.linear(F, self.mark("up.gelu", up), p, "down")
        return self.linear(F, norm(hidden, "norm"), p, "head")
