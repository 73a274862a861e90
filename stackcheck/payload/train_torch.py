"""The models in PyTorch. The reference runs this very text with the engine in PyTorch's place."""

# mypy: ignore-errors
# ruff: noqa: ARG001, B905, D102, N803 (one interface over all frameworks, their own idioms)

from functools import partial

import numpy as np


def load(request):
    """Import PyTorch; returns its version and how to build a trainer."""
    import torch

    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True

    def build(task, start, request):
        device = request["device"]
        if device == "auto":
            device = "cuda:0" if torch.cuda.is_available() else "cpu"
        return TorchTrainer(torch, task, start, request, device)

    return torch.__version__, build


class TorchTrainer:
    """One model, its loss and SGD, from given weights."""

    def __init__(self, torch, task, start, request, device):
        self.torch, self.task, self.device = torch, task, device
        self.heads, self.asked_from = request["heads"], request["asked_from"]
        self.lstm = self.traced = None
        self.parameters = {
            name: self.place(value).requires_grad_() for name, value in start.items()
        }
        if task == "rnn":
            self.use_lstm(start)
        self.optimizer = torch.optim.SGD(
            list(self.parameters.values()), lr=request["rate"], momentum=request["momentum"]
        )
        self.placed = device
        if device != "cpu" and hasattr(torch.cuda, "reset_peak_memory_stats"):
            torch.cuda.reset_peak_memory_stats(device)
        self.loss = torch.compile(self.compute) if request["mode"] == "compiled" else self.compute

    def place(self, array):
        return self.torch.tensor(array, device=self.device)

    def use_lstm(self, start):
        """Let the framework's own LSTM compute; its second bias stays zero, since one is enough for a model."""
        four, features = start["lstm.weight_ih"].shape
        lstm = self.torch.nn.LSTM(features, four // 4, batch_first=True).to(self.device)
        pairs = (
            ("weight_ih", "weight_ih_l0"),
            ("weight_hh", "weight_hh_l0"),
            ("bias", "bias_ih_l0"),
        )
        with self.torch.no_grad():
            for name, own in pairs:
                getattr(lstm, own).copy_(self.parameters["lstm." + name])
            lstm.bias_hh_l0.zero_()
        lstm.bias_hh_l0.requires_grad_(False)
        for name, own in pairs:
            self.parameters["lstm." + name] = getattr(lstm, own)
        self.lstm = partial(
            lstm
        )  # a captured step is to find its parameters once, among the others

    def compute(self, inputs, targets):
        scores = self.forward(inputs)
        if self.asked_from:
            targets = targets[:, self.asked_from :]
        return self.torch.nn.functional.cross_entropy(
            scores.reshape(-1, scores.shape[-1]), targets.reshape(-1)
        )

    def forward(self, inputs):
        """Score the classes at every position that is asked."""
        scores = getattr(self, self.task)(inputs, self.parameters, self.torch.nn.functional)
        return scores[:, self.asked_from :] if self.asked_from else scores

    def mark(self, name, value):
        """Keep a layer's activation while a step is traced."""
        if self.traced is not None:
            self.traced[name] = value
        return value

    def mlp(self, x, p, F):
        hidden = self.mark("fc1", F.linear(x.flatten(1), p["fc1.weight"], p["fc1.bias"]))
        hidden = self.mark("fc1.relu", F.relu(hidden))
        return self.mark("fc2", F.linear(hidden, p["fc2.weight"], p["fc2.bias"]))

    def cnn(self, x, p, F):
        for name in ("conv1", "conv2"):
            x = F.conv2d(x, p[name + ".weight"], p[name + ".bias"], padding=1)
            x = self.mark(name + ".relu", F.relu(self.mark(name, x)))
            x = self.mark(name + ".pool", F.max_pool2d(x, 2))
        return self.mark("fc", F.linear(x.flatten(1), p["fc.weight"], p["fc.bias"]))

    def rnn(self, x, p, F):
        hidden = self.mark("lstm", self.lstm(x)[0])
        return self.mark("head", F.linear(hidden, p["head.weight"], p["head.bias"]))

    def transformer(self, tokens, p, F):
        hidden = self.mark("embedding", F.embedding(tokens, p["tokens"]) + p["positions"])
        batch, length, width = hidden.shape

        def norm(x, name):
            x = F.layer_norm(x, (width,), p[name + ".weight"], p[name + ".bias"])
            return self.mark(name, x)

        def linear(x, name):
            return self.mark(name, F.linear(x, p[name + ".weight"], p[name + ".bias"]))

        mixed = linear(norm(hidden, "norm1"), "qkv").reshape(
            batch, length, 3, self.heads, width // self.heads
        )
        query, key, value = (mixed[:, :, i].transpose(1, 2) for i in range(3))
        if hasattr(F, "scaled_dot_product_attention"):
            seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:  # before PyTorch 2.0
            later = self.torch.ones(length, length, device=self.device).triu(1) * -1e9
            seen = (
                F.softmax(query @ key.transpose(2, 3) / (width // self.heads) ** 0.5 + later, -1)
                @ value
            )
        seen = self.mark("attention", seen.transpose(1, 2).reshape(batch, length, width))
        hidden = hidden + linear(seen, "out")
        up = self.mark("up.gelu", F.gelu(linear(norm(hidden, "norm2"), "up")))
        hidden = hidden + linear(up, "down")
        return linear(norm(hidden, "norm"), "head")

    def step(self, inputs, targets):
        loss = self.update(self.place(inputs), self.place(targets))
        self.placed = str(loss.device)
        return loss.cpu().item()

    def update(self, inputs, targets):
        """Take a step; what the engine captures."""
        self.optimizer.zero_grad()
        loss = self.loss(inputs, targets)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def scores(self, inputs):
        with self.torch.no_grad():
            return self.forward(self.place(inputs)).cpu().numpy()

    def trace(self, inputs, targets):
        """Return the activations by layer in their order, and the gradients by layer and parameter."""
        self.traced = {}
        loss = self.compute(self.place(inputs), self.place(targets))
        self.placed = str(loss.device)
        wanted = dict(self.traced, **self.parameters)
        found = self.torch.autograd.grad(loss, list(wanted.values()))
        return self.on_host(self.traced), self.on_host(dict(zip(wanted, found)))

    def on_host(self, tensors):
        return {name: np.array(value.detach().cpu().numpy()) for name, value in tensors.items()}

    def weights(self):
        return self.on_host(self.parameters)

    def placement(self):
        return self.placed

    def device_memory(self):
        """Return the most bytes that were held on the GPU, None on the CPU."""
        if not self.placed.startswith("cuda"):
            return None
        cuda = self.torch.cuda
        return getattr(cuda, "max_memory_allocated", cuda.memory_reserved)(self.placed)
