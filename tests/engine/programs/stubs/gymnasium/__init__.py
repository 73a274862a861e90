"""A pole on a cart under the name of the library that simulates many such worlds."""

from __future__ import annotations

from typing import Any

import numpy as np


class _Space:
    n = 2
    shape = (4,)


class CartPole:
    """Barto, Sutton and Anderson's cart (1983), stepped by Euler's method."""

    action_space = observation_space = _Space()

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.state = np.zeros(4)

    def reset(self, seed: int | None = None, **_: Any) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.state, self.steps = self.rng.uniform(-0.05, 0.05, 4), 0
        return self.state.astype(np.float32), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        x, v, angle, turn = self.state
        push = 10.0 if action == 1 else -10.0
        pull = (push + 0.05 * turn**2 * np.sin(angle)) / 1.1
        bend = (9.8 * np.sin(angle) - np.cos(angle) * pull) / (
            0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1)
        )
        rush = pull - 0.05 * bend * np.cos(angle) / 1.1
        self.state = np.array(
            [x + 0.02 * v, v + 0.02 * rush, angle + 0.02 * turn, turn + 0.02 * bend]
        )
        self.steps += 1
        over = bool(abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.21)
        return self.state.astype(np.float32), 1.0, over, self.steps >= 200, {}

    def render(self) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Close nothing."""


def make(name: str, **_: Any) -> CartPole:
    """Return the cart, whatever the name."""
    del name

    class Spec:
        reward_threshold = 195

    world = CartPole()
    world.spec = Spec()  # type: ignore[attr-defined]
    return world
