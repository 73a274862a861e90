"""The kinds of layer whose gradients are checked: each a computation and the leaves that it starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from stackcheck.smoke.bench import Bench

__all__ = ["CASES", "Case"]

Built: TypeAlias = tuple[Callable[[], Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """One kind of layer. `build` makes it on the bench with random data."""

    name: str
    build: Callable[[Bench, np.random.Generator], Built]


def _apply(
    shapes: Mapping[str, tuple[int, ...]], compute: Callable[..., Any], *, positive: bool = False
) -> Any:
    """Make a builder for a function of the engine and some inputs of these shapes."""

    def build(bench: Bench, random: np.random.Generator) -> Built:
        leaves = {}
        for name, shape in shapes.items():
            values = random.standard_normal(shape)
            # away from zero, where ReLU and |x| have their kinks and division its pole
            values = np.sign(values) * (np.abs(values) + 0.1)
            leaves[name] = bench.tensor(np.abs(values) if positive else values, grad=True)
        return lambda: compute(bench.engine, *leaves.values()), leaves

    return build


def _module(make: Callable[[Any], Any], shape: tuple[int, ...], *, first: bool = False) -> Any:
    """Make a builder for a module of the engine; its leaves are the input and all parameters.

    `first`: the module returns a tuple (recurrent ones), of which the first value counts.
    """

    def build(bench: Bench, random: np.random.Generator) -> Built:
        bench.engine.manual_seed(int(random.integers(1 << 31)))
        module = make(bench.engine.nn).double().to(bench.device)
        given = bench.tensor(random.standard_normal(shape), grad=True)
        leaves = {"input": given, **dict(module.named_parameters())}
        return lambda: module(given)[0] if first else module(given), leaves

    return build


def _tokens(bench: Bench, random: np.random.Generator) -> Built:
    table = bench.tensor(random.standard_normal((7, 5)), grad=True)
    tokens = bench.tensor(
        random.integers(0, 7, (3, 4))
    )  # some symbols twice: their gradients add up
    return lambda: bench.engine.nn.functional.embedding(tokens, table), {"table": table}


def _classes(bench: Bench, random: np.random.Generator) -> Built:
    scores = bench.tensor(random.standard_normal((6, 5)), grad=True)
    targets = random.integers(0, 5, 6)
    targets[2] = -100  # ignored
    classes = bench.tensor(targets)
    return lambda: bench.engine.nn.functional.cross_entropy(scores, classes), {"scores": scores}


def _dropout(bench: Bench, random: np.random.Generator) -> Built:
    given = bench.tensor(random.standard_normal((6, 8)), grad=True)
    seed = int(random.integers(1 << 31))

    def drop() -> Any:
        bench.engine.manual_seed(seed)
        return bench.engine.nn.functional.dropout(given, 0.4, training=True)

    return drop, {"input": given}


def _attention(bench: Bench, random: np.random.Generator) -> Built:
    leaves = {
        name: bench.tensor(random.standard_normal((2, 2, 5, 4)), grad=True)
        for name in ("query", "key", "value")
    }
    attend = bench.engine.nn.functional.scaled_dot_product_attention
    return lambda: attend(*leaves.values(), is_causal=True), leaves


_PAIR = {"left": (3, 4), "right": (4,)}
_IMAGES = {"images": (2, 3, 6, 6)}

CASES: tuple[Case, ...] = (
    Case("add", _apply(_PAIR, lambda _, x, y: x + y)),
    Case("multiply", _apply(_PAIR, lambda _, x, y: x * y)),
    Case("divide", _apply(_PAIR, lambda _, x, y: x / y)),
    Case("power", _apply({"base": (3, 4)}, lambda _, x: x**1.7, positive=True)),
    Case("exp", _apply({"input": (3, 4)}, lambda _, x: x.exp())),
    Case("log", _apply({"input": (3, 4)}, lambda _, x: x.log(), positive=True)),
    Case("sqrt", _apply({"input": (3, 4)}, lambda _, x: x.sqrt(), positive=True)),
    Case("tanh", _apply({"input": (3, 4)}, lambda _, x: x.tanh())),
    Case("sigmoid", _apply({"input": (3, 4)}, lambda _, x: x.sigmoid())),
    Case("relu", _apply({"input": (5, 7)}, lambda e, x: e.nn.functional.relu(x))),
    Case("gelu", _apply({"input": (5, 7)}, lambda e, x: e.nn.functional.gelu(x))),
    Case("silu", _apply({"input": (5, 7)}, lambda e, x: e.nn.functional.silu(x))),
    Case("leaky_relu", _apply({"input": (5, 7)}, lambda e, x: e.nn.functional.leaky_relu(x))),
    Case("softmax", _apply({"input": (3, 5)}, lambda _, x: x.softmax(-1))),
    Case("log_softmax", _apply({"input": (3, 5)}, lambda _, x: x.log_softmax(-1))),
    Case("mean", _apply({"input": (3, 4, 2)}, lambda _, x: x.mean((0, 2)))),
    Case("max", _apply({"input": (4, 5)}, lambda _, x: x.max(1).values)),
    Case("transpose", _apply({"input": (3, 4, 2)}, lambda _, x: x.transpose(0, 2).reshape(4, 6))),
    Case("index", _apply({"input": (5, 4)}, lambda _, x: x[1:4, ::2])),
    Case(
        "concatenate", _apply({"top": (2, 3), "bottom": (1, 3)}, lambda e, x, y: e.cat([x, y], 0))
    ),
    Case("matrix product", _apply({"left": (3, 4), "right": (4, 5)}, lambda _, x, y: x @ y)),
    Case("batched product", _apply({"left": (2, 3, 4), "right": (2, 4, 5)}, lambda _, x, y: x @ y)),
    Case(
        "mse_loss",
        _apply({"input": (3, 4), "target": (3, 4)}, lambda e, x, y: e.nn.functional.mse_loss(x, y)),
    ),
    Case("cross_entropy", _classes),
    Case("embedding", _tokens),
    Case("dropout", _dropout),
    Case("linear", _module(lambda nn: nn.Linear(4, 3), (5, 4))),
    Case("conv2d", _module(lambda nn: nn.Conv2d(3, 4, 3, stride=2, padding=1), (2, 3, 6, 6))),
    Case("conv1d", _module(lambda nn: nn.Conv1d(3, 4, 3), (2, 3, 7))),
    Case(
        "conv_transpose2d", _module(lambda nn: nn.ConvTranspose2d(3, 4, 3, stride=2), (2, 3, 4, 4))
    ),
    Case("max_pool2d", _apply(_IMAGES, lambda e, x: e.nn.functional.max_pool2d(x, 2))),
    Case("avg_pool2d", _apply(_IMAGES, lambda e, x: e.nn.functional.avg_pool2d(x, 2))),
    Case("batch_norm", _module(lambda nn: nn.BatchNorm2d(3), (4, 3, 5, 5))),
    Case("layer_norm", _module(lambda nn: nn.LayerNorm(6), (4, 6))),
    Case("group_norm", _module(lambda nn: nn.GroupNorm(2, 4), (3, 4, 5))),
    Case("lstm", _module(lambda nn: nn.LSTM(3, 4, batch_first=True), (2, 5, 3), first=True)),
    Case("gru", _module(lambda nn: nn.GRU(3, 4, batch_first=True), (2, 5, 3), first=True)),
    Case("attention", _attention),
)
