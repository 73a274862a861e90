"""One model, its data and its optimizer, taken a step at a time. Imported by the worker alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from stackcheck.smoke.bench import Bench
from stackcheck.smoke.digits import load_digits
from stackcheck.smoke.models import Recurrent, Transformer, make_cnn, make_mlp
from stackcheck.smoke.sequences import (
    COPY_SYMBOLS,
    IGNORED,
    make_additions,
    make_brackets,
    make_copies,
)
from stackcheck.smoke.tasks import TRAININGS

__all__ = ["Trial", "build_trial"]

_Batch: TypeAlias = tuple[Any, Any]
_LENGTH = 8
_HELD_OUT = 256


class Trial:
    """A training that can be stepped, judged on held-out data, and repeated with the same bits.

    `sample` draws the next batch as arrays of the host.
    """

    def __init__(
        self,
        bench: Bench,
        model: Any,
        optimizer: Any,
        sample: Callable[[], _Batch],
        held_out: _Batch,
    ) -> None:
        self.bench, self.model, self.optimizer = bench, model, optimizer
        self.sample, self._held_out = sample, held_out

    def loss(self, inputs: Any, targets: Any) -> Any:
        """Return the mean cross entropy over all positions that are asked."""
        scores = self.model(inputs)
        return self.bench.engine.nn.functional.cross_entropy(
            scores.reshape(-1, scores.shape[-1]), targets.reshape(-1), ignore_index=IGNORED
        )

    def step(self) -> Any:
        """Take one step; returns its loss as a tensor on the device, so that nothing has to wait for it."""
        return self.update(*self.batch())

    def batch(self) -> tuple[Any, Any]:
        """Draw the next inputs and targets onto the device."""
        inputs, targets = map(self.bench.tensor, self.sample())
        return inputs, targets

    def update(self, inputs: Any, targets: Any) -> Any:
        """Take the step of one batch: what a captured step replays."""
        self.optimizer.zero_grad()
        loss = self.loss(inputs, targets)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def accuracy(self) -> float:
        """Return the share of right answers on data that it was not trained on."""
        inputs, targets = self._held_out
        self.model.eval()
        with self.bench.engine.no_grad():
            scores = self.bench.host(self.model(self.bench.tensor(inputs)))
        self.model.train()
        asked = targets != IGNORED
        return float((scores.argmax(-1) == targets)[asked].mean())

    def small_batch(self) -> _Batch:
        """Return a few samples, for checks that evaluate the model often."""
        inputs, targets = self.sample()
        return inputs[:4], targets[:4]


def build_trial(bench: Bench, name: str, batch: int = 0) -> Trial:
    """Make the training called `name` (a key of `TRAININGS`), with the weights that the seed gives."""
    training = TRAININGS[name]
    batch = batch or training.batch
    bench.engine.manual_seed(bench.seed)
    model, sample, held_out = _BUILDERS[name](bench, batch)
    model = model.to(bench.device)
    optim = bench.engine.optim
    if training.optimizer == "SGD":
        optimizer = optim.SGD(model.parameters(), lr=training.rate, momentum=0.9)
    else:
        optimizer = optim.AdamW(model.parameters(), lr=training.rate)
    return Trial(bench, model, optimizer, sample, held_out)


_Built: TypeAlias = tuple[Any, Callable[[], _Batch], _Batch]


def _on_digits(make: Callable[[], Any]) -> Callable[[Bench, int], _Built]:
    def build(bench: Bench, batch: int) -> _Built:
        digits, random = load_digits(), bench.random(10)

        def sample() -> _Batch:
            chosen = random.integers(0, len(digits.labels), batch)
            return digits.images[chosen], digits.labels[chosen]

        return make(), sample, (digits.held_out_images, digits.held_out_labels)

    return build


def _on_sequences(
    make: Callable[[], Any],
    generate: Callable[[np.random.Generator, int, int], _Batch],
    length: int,
) -> Callable[[Bench, int], _Built]:
    def build(bench: Bench, batch: int) -> _Built:
        random = bench.random(11)
        held_out = generate(bench.random(12), _HELD_OUT, length)
        return make(), lambda: generate(random, batch, length), held_out

    return build


_BUILDERS: dict[str, Callable[[Bench, int], _Built]] = {
    "mlp": _on_digits(lambda: make_mlp(64, dropout=0.1)),
    "cnn": _on_digits(lambda: make_cnn(16)),
    "rnn": _on_sequences(lambda: Recurrent(2, 32, 2), make_additions, 12),
    "brackets": _on_sequences(lambda: Recurrent(8, 32, 3, symbols=2), make_brackets, 12),
    "transformer": _on_sequences(
        lambda: Transformer(COPY_SYMBOLS + 1, 2 * _LENGTH, 32, 4, 2), make_copies, _LENGTH
    ),
}
