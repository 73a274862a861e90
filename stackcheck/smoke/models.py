"""The models that the smoke trains, in the engine. Imported by the worker alone."""

from __future__ import annotations

from typing import Any

import stackgrad as sg
from stackgrad import nn
from stackgrad.nn import functional as F  # noqa: N812 (PyTorch's own idiom)

__all__ = ["Recurrent", "Transformer", "make_cnn", "make_mlp"]


def make_mlp(hidden: int, dropout: float = 0.0) -> Any:
    """Images (n, 1, 8, 8) to scores of ten digits, over one hidden layer."""
    layers = [nn.Flatten(), nn.Linear(64, hidden), nn.ReLU()]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(hidden, 10))


def make_cnn(channels: int) -> Any:
    """Images (n, 1, 8, 8) to scores of ten digits, over two convolutions with pooling."""
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * channels, 10),
    )


class Recurrent(nn.Module):
    """Sequences (n, length, features) to scores (n, length, classes) by an LSTM; tokens if `symbols` is given."""

    def __init__(self, features: int, hidden: int, classes: int, symbols: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, features) if symbols else None
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, given: Any) -> Any:
        """Score the classes at every position."""
        if self.embedding is not None:
            given = self.embedding(given)
        return self.head(self.lstm(given)[0])


class _Block(nn.Module):
    """Attention and a feed-forward layer, each after a norm and added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, given: Any) -> Any:
        """Keep the shape (n, length, width); no position sees a later one."""
        batch, length, width = given.shape
        mixed = self.qkv(self.norm1(given)).reshape(
            batch, length, 3, self.heads, width // self.heads
        )
        query, key, value = (mixed[:, :, i].transpose(1, 2) for i in range(3))
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        given = given + self.out(seen.transpose(1, 2).reshape(batch, length, width))
        return given + self.down(F.gelu(self.up(self.norm2(given))))


class Transformer(nn.Module):
    """Tokens (n, length) to scores (n, length, symbols), decoder only, learned positions."""

    def __init__(self, symbols: int, length: int, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(symbols, width)
        self.positions = nn.Parameter(0.1 * sg.randn(length, width))
        self.blocks = nn.ModuleList([_Block(width, heads) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, symbols)

    def forward(self, tokens: Any) -> Any:
        """Score the next symbol at every position."""
        hidden = self.tokens(tokens) + self.positions
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(self.norm(hidden))
