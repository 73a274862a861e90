"""Sequences whose right answer is known, because the tool makes them.

Each generator returns tokens or bits and, for every position, the class that is right there, -100 where nothing is
asked.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["COPY_SYMBOLS", "IGNORED", "make_additions", "make_brackets", "make_copies"]

IGNORED = -100
COPY_SYMBOLS = 8  # and one separator, whose token is 8

_Floats: TypeAlias = npt.NDArray[np.float32]
_Tokens: TypeAlias = npt.NDArray[np.int64]


def make_additions(random: np.random.Generator, batch: int, bits: int) -> tuple[_Floats, _Tokens]:
    """Two binary numbers, lowest bit first, and the bits of their sum.

    Returns inputs (batch, bits, 2) of 0 and 1, and the sum's bits (batch, bits); the carry must be remembered.
    """
    summands = random.integers(0, 2, (batch, bits, 2))
    total = np.empty((batch, bits), np.int64)
    carry = np.zeros(batch, np.int64)
    for place in range(bits):
        column = summands[:, place].sum(axis=1) + carry
        total[:, place], carry = column & 1, column >> 1
    return summands.astype(np.float32), total


def make_copies(random: np.random.Generator, batch: int, length: int) -> tuple[_Tokens, _Tokens]:
    """Random symbols, a separator, and the same symbols again, of which the next one is asked each time.

    Returns tokens (batch, 2 * length) and targets of the same shape, ignored in the random half.
    """
    symbols = random.integers(0, COPY_SYMBOLS, (batch, length))
    separator = np.full((batch, 1), COPY_SYMBOLS)
    tokens = np.concatenate([symbols, separator, symbols[:, :-1]], axis=1).astype(np.int64)
    targets = np.full_like(tokens, IGNORED)
    targets[:, length:] = symbols
    return tokens, targets


def make_brackets(random: np.random.Generator, batch: int, length: int) -> tuple[_Tokens, _Tokens]:
    """Brackets that open (0) and close (1); asked at each is whether all that were opened are closed now.

    Returns tokens (batch, length) and classes (batch, length): 0 balanced, 1 open ones left, 2 closed too often so far.
    """
    tokens = random.integers(0, 2, (batch, length))
    depth = np.cumsum(1 - 2 * tokens, axis=1)
    broken = np.minimum.accumulate(depth, axis=1) < 0
    return tokens.astype(np.int64), np.where(broken, 2, (depth > 0).astype(np.int64))
