"""Small programs in the style of tutorials, run by stage.py in both libraries; each logs its losses by backward()."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn, optim
from torch.distributions import Categorical, Normal, kl_divergence
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Spiral(Dataset):
    def __init__(self, count: int = 60) -> None:
        rng = np.random.default_rng(0)
        self.label = rng.integers(0, 3, count)
        radius = rng.random(count)
        angle = radius * 5 + self.label * 2.1
        points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1)
        self.points = torch.from_numpy(points.astype(np.float32))

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, index: int) -> Any:
        return self.points[index], int(self.label[index])


def classifier() -> None:
    net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(32, 3))
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    for _ in range(2):
        for x, y in DataLoader(Spiral(), batch_size=20, shuffle=True, num_workers=1):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y, label_smoothing=0.1).backward()
            optimizer.step()
        scheduler.step()


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, groups=2)
        self.norm = nn.GroupNorm(2, width)

    def forward(self, x: Any) -> Any:
        return F.relu(x + self.norm(self.conv2(F.relu(self.bn1(self.conv1(x))))), inplace=True)


def residual() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), Block(8), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )  # fmt: skip
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    optimizer = optim.AdamW(net.parameters(), lr=1e-3, betas=(0.9, 0.98))
    x, y = torch.randn(6, 3, 16, 16), torch.randint(0, 4, (6,))
    for _ in range(4):
        loss = F.nll_loss(F.log_softmax(net(x), dim=1), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    net.load_state_dict(torch.load(file))


def names() -> None:
    words = [torch.randint(0, 12, (n,)) for n in (7, 4, 6)]
    embed, rnn, head = (
        nn.Embedding(12, 8, padding_idx=0),
        nn.LSTM(8, 16, 2, bidirectional=True),
        nn.Linear(32, 12),
    )
    parameters = [*embed.parameters(), *rnn.parameters(), *head.parameters()]
    optimizer = optim.RMSprop(parameters, lr=1e-2)
    lengths = torch.tensor([len(w) for w in words])
    for _ in range(3):
        x = embed(pad_sequence(words))
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        out, _ = pad_packed_sequence(rnn(packed)[0])
        loss = F.cross_entropy(
            head(out).flatten(0, 1),
            pad_sequence(words, padding_value=-1).flatten(),
            ignore_index=-1,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Head(nn.Module):
    def __init__(self, vocabulary: int, width: int, length: int) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(
            width, 4, 64, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, 2, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.token.weight
        self.register_buffer(
            "mask", torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
        )

    def forward(self, idx: Any) -> Any:
        t = idx.size(1)
        x = self.token(idx) + self.place(torch.arange(t, device=idx.device))
        return self.head(self.body(x, mask=self.mask[:t, :t]))


def language() -> None:
    net = Head(17, 32, 10)
    decay = [p for p in net.parameters() if p.dim() >= 2]
    rest = [p for p in net.parameters() if p.dim() < 2]
    optimizer = optim.AdamW(
        [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=1e-3
    )
    scheduler = CosineAnnealingLR(optimizer, 4)
    data = torch.randint(0, 17, (4, 11))
    for _ in range(4):
        logits = net(data[:, :-1])
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), data[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    net.eval()
    with torch.no_grad():
        idx = data[:1, :3]
        for _ in range(3):
            probs = F.softmax(net(idx)[:, -1, :] / 0.8, dim=-1)
            values, _ = torch.topk(probs, 5)
            probs[probs < values[:, [-1]]] = 0
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
    (idx.float().sum() * torch.ones(1, requires_grad=True)).backward()


def adversaries() -> None:
    make = nn.Sequential(nn.ConvTranspose2d(8, 8, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh())  # fmt: skip
    judge = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(8, 1, 4), nn.Sigmoid(), nn.Flatten(0))  # fmt: skip
    criterion = nn.BCELoss()
    optimizers = [optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (make, judge)]
    real = torch.randn(5, 1, 8, 8)
    for _ in range(3):
        label = torch.full((5,), 1.0)
        judge.zero_grad()
        criterion(judge(real), label).backward()
        fake = make(torch.randn(5, 8, 1, 1))
        label.fill_(0.0)
        criterion(judge(fake.detach()), label).backward()
        optimizers[1].step()
        make.zero_grad()
        criterion(judge(fake), label.fill_(1.0)).backward()
        optimizers[0].step()


def autoencoder() -> None:
    encode, decode = nn.Linear(12, 6), nn.Linear(3, 12)
    optimizer = optim.Adam([*encode.parameters(), *decode.parameters()], 1e-2)
    x = torch.rand(8, 12)
    for _ in range(3):
        mean, log_scale = encode(x).chunk(2, dim=-1)
        posterior = Normal(mean, log_scale.exp())
        rebuilt = torch.sigmoid(decode(posterior.rsample()))
        loss = F.binary_cross_entropy(rebuilt, x, reduction="sum")
        loss = loss + kl_divergence(posterior, Normal(torch.zeros(3), torch.ones(3))).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def policy() -> None:
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(3):
        choice = Categorical(logits=net(torch.randn(10, 4)))
        action = choice.sample()
        reward = (action == 1).float()
        loss = (
            -(choice.log_prob(action) * (reward - reward.mean())).mean()
            - 0.01 * choice.entropy().mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def waves() -> None:
    time = torch.linspace(0, 6, 40).double()
    signal = torch.sin(time).unsqueeze(0)
    cell, head = nn.LSTMCell(1, 8).double(), nn.Linear(8, 1).double()
    optimizer = optim.LBFGS([*cell.parameters(), *head.parameters()], lr=0.5, max_iter=5)

    def closure() -> Any:
        optimizer.zero_grad()
        h = c = torch.zeros(1, 8, dtype=torch.double)
        outputs = []
        for step in signal.split(1, dim=1):
            h, c = cell(step, (h, c))
            outputs.append(head(h))
        loss = F.mse_loss(torch.cat(outputs, dim=1)[:, :-1], signal[:, 1:])
        loss.backward()
        return loss

    optimizer.step(closure)


def images() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.PixelShuffle(2),
        nn.Upsample(scale_factor=2, mode="bilinear"),
    )
    turn = nn.Parameter(torch.tensor([[[0.9, -0.1, 0.0], [0.1, 0.9, 0.1]]]))
    optimizer = optim.Adagrad([*net.parameters(), turn], lr=0.05)
    x, y = torch.rand(1, 1, 6, 6), torch.rand(1, 1, 24, 24)
    for _ in range(3):
        grid = F.affine_grid(turn, [1, 1, 6, 6], align_corners=False)
        loss = F.smooth_l1_loss(net(F.grid_sample(x, grid, align_corners=False)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def speech() -> None:
    net = nn.GRU(5, 8, batch_first=True)
    head, criterion = nn.Linear(8, 6), nn.CTCLoss(zero_infinity=True)
    optimizer = optim.Adadelta([*net.parameters(), *head.parameters()])
    x, y = torch.randn(3, 12, 5), torch.randint(1, 6, (3, 4))
    for _ in range(3):
        logs = F.log_softmax(head(net(x)[0]), dim=-1).transpose(0, 1)
        loss = criterion(logs, y, torch.full((3,), 12), torch.tensor([4, 3, 2]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * g


def penalty() -> None:
    critic = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1))
    optimizer = optim.NAdam(critic.parameters())
    loader = DataLoader(TensorDataset(torch.randn(8, 3), torch.randn(8, 1)), batch_size=4)
    for x, y in loader:
        x.requires_grad_(True)
        out = Square.apply(critic(x)) - y
        (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
        loss = (out**2).mean() + 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


PROGRAMS = (
    classifier, residual, names, language, adversaries, autoencoder, policy, waves, images, speech, penalty,
)  # fmt: skip

if __name__ == "__main__":
    for program in PROGRAMS:
        torch.manual_seed(1)
        program()
