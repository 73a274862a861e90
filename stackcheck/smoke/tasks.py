"""What each task trains on, for how long, and what it must reach."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TRAININGS", "Training"]


@dataclass(frozen=True)
class Training:
    """One training. `accuracy` on held-out data must be reached within `short_steps`; after `quick_steps` the loss
    must have fallen to `fall` of what it was.
    """  # noqa: D205 (one thought)

    task: str
    data: str
    batch: int
    rate: float
    quick_steps: int
    short_steps: int
    accuracy: float
    fall: float
    optimizer: str = "AdamW"


TRAININGS = {
    "mlp": Training("mlp", "digits", 64, 0.1, 60, 800, 0.95, 0.3, "SGD"),
    "cnn": Training("cnn", "digits", 64, 3e-3, 60, 800, 0.97, 0.4),
    "rnn": Training("rnn", "addition", 64, 1e-2, 40, 800, 0.99, 0.9),
    "brackets": Training("rnn", "brackets", 64, 1e-2, 40, 800, 0.98, 0.4),
    "transformer": Training("transformer", "copying", 64, 3e-3, 60, 1500, 0.99, 0.8),
}
