"""How the models of a comparison with frameworks are trained: the same numbers on both sides."""

from __future__ import annotations

__all__ = ["ASKED_FROM", "BATCH", "BITS", "HEADS", "LENGTH", "MOMENTUM", "RATE", "WIDTH"]

RATE = {"mlp": 0.05, "cnn": 0.05, "rnn": 0.2, "transformer": 0.1}
"""Of SGD, by task: large enough that fifty steps get somewhere, small enough that rounding does not grow."""
MOMENTUM = 0.9
BATCH = 32
BITS = 12
"""Length of the binary numbers to add."""
LENGTH = 8
"""Symbols to copy."""
WIDTH = 16
HEADS = 2
ASKED_FROM = {"transformer": LENGTH}
"""First position at which an answer is asked."""
