"""The models in PyTorch. The reference runs this very text with the engine in PyTorch's place."""

# mypy: ignore-errors
# ruff: noqa: ARG001, D102, N803 (one interface over all frameworks, their own idioms)

import numpy as np


def load(request):
    """Import PyTorch; returns its version and how to build a trainer."""
    import torch

    if hasattr(torch.backends, "cudnn"):
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
        self.heads, self.asked_from = request["heads"], request["asked_from"].get(task, 0)
        self.lstm = None
        self.parameters = {
            name: self.place(value).requires_grad_() for name, value in start.items()
        }
        if task == "rnn":
            self.use_lstm(start)
        self.optimizer = torch.optim.SGD(
            list(self.parameters.values()), lr=request["rate"][task], momentum=request["momentum"]
        )
        self.loss = torch.compile(self.compute) if request["mode"] == "compiled" else self.compute

    def place(self, array):
        return self.torch.tensor(array, device=self.device)

    def use_lstm(self, start):
        """Let the framework's own LSTM compute; its second bias stays zero, since one is enough for a model."""
        four, features = start["lstm.weight_ih"].shape
        self.lstm = self.torch.nn.LSTM(features, four // 4, batch_first=True).to(self.device)
        pairs = (
            ("weight_ih", "weight_ih_l0"),
            ("weight_hh", "weight_hh_l0"),
            ("bias", "bias_ih_l0"),
        )
        with self.torch.no_grad():
            for name, own in pairs:
                getattr(self.lstm, own).copy_(self.parameters["lstm." + name])
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)
        for name, own in pairs:
            self.parameters["lstm." + name] = getattr(self.lstm, own)

    def compute(self, inputs, targets):
        scores = getattr(self, self.task)(inputs, self.parameters, self.torch.nn.functional)
        if self.asked_from:
            scores, targets = scores[:, self.asked_from :], targets[:, self.asked_from :]
        return self.torch.nn.functional.cross_entropy(
            scores.reshape(-1, scores.shape[-1]), targets.reshape(-1)
        )

    def mlp(self, x, p, F):
        hidden = F.relu(F.linear(x.flatten(1), p["fc1.weight"], p["fc1.bias"]))
        return F.linear(hidden, p["fc2.weight"], p["fc2.bias"])

    def cnn(self, x, p, F):
        for name in ("conv1", "conv2"):
            x = F.relu(F.conv2d(x, p[name + ".weight"], p[name + ".bias"], padding=1))
            x = F.max_pool2d(x, 2)
        return F.linear(x.flatten(1), p["fc.weight"], p["fc.bias"])

    def rnn(self, x, p, F):
        return F.linear(self.lstm(x)[0], p["head.weight"], p["head.bias"])

    def transformer(self, tokens, p, F):
        hidden = F.embedding(tokens, p["tokens"]) + p["positions"]
        batch, length, width = hidden.shape

        def norm(x, name):
            return F.layer_norm(x, (width,), p[name + ".weight"], p[name + ".bias"])

        def linear(x, name):
            return F.linear(x, p[name + ".weight"], p[name + ".bias"])

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
        hidden = hidden + linear(seen.transpose(1, 2).reshape(batch, length, width), "out")
        hidden = hidden + linear(F.gelu(linear(norm(hidden, "norm2"), "up")), "down")
        return linear(norm(hidden, "norm"), "head")

    def step(self, inputs, targets):
        self.optimizer.zero_grad()
        loss = self.loss(self.place(inputs), self.place(targets))
        loss.backward()
        self.optimizer.step()
        self.placed = str(loss.device)
        return loss.detach().cpu().item()

    def weights(self):
        return {
            name: np.array(value.detach().cpu().numpy()) for name, value in self.parameters.items()
        }

    def placement(self):
        return self.placed
