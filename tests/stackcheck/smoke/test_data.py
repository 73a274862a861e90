from __future__ import annotations

import numpy as np
import pytest

from stackcheck.smoke.digits import load_digits
from stackcheck.smoke.sequences import (
    COPY_SYMBOLS,
    IGNORED,
    make_additions,
    make_brackets,
    make_copies,
)


def test_digits_are_split_four_to_one_and_every_class_is_in_both_parts():
    digits = load_digits()
    assert digits.images.shape == (1438, 1, 8, 8)
    assert digits.held_out_images.shape == (359, 1, 8, 8)
    assert set(digits.labels) == set(digits.held_out_labels) == set(range(10))
    assert (digits.images.min(), digits.images.max()) == (0.0, 1.0)


def test_digits_of_a_class_look_alike():
    digits = load_digits()
    means = np.stack([digits.images[digits.labels == digit].mean(0).ravel() for digit in range(10)])
    held_out = digits.held_out_images.reshape(-1, 64)
    nearest = ((held_out[:, None] - means) ** 2).sum(-1).argmin(1)
    assert (nearest == digits.held_out_labels).mean() > 0.85


@pytest.mark.parametrize("bits", [1, 5, 20])
def test_the_asked_bits_are_the_sum_of_the_summands(bits):
    inputs, answers = make_additions(np.random.default_rng(3), 50, bits)
    weights = 2 ** np.arange(bits)
    summands = (inputs.astype(np.int64) * weights[:, None]).sum(1)
    assert ((answers * weights).sum(1) == summands.sum(1) % 2**bits).all()


def test_a_copy_is_asked_symbol_by_symbol_after_the_separator():
    tokens, targets = make_copies(np.random.default_rng(3), 20, 6)
    assert (tokens[:, 6] == COPY_SYMBOLS).all()
    assert (targets[:, :6] == IGNORED).all()
    assert (targets[:, 6:] == tokens[:, :6]).all()
    assert (targets[:, 6:-1] == tokens[:, 7:]).all()


def test_brackets_are_balanced_open_or_broken_by_counting():
    tokens, classes = make_brackets(np.random.default_rng(3), 200, 9)
    for row, answers in zip(tokens, classes, strict=True):
        depth, broken = 0, False
        for token, answer in zip(row, answers, strict=True):
            depth += 1 if token == 0 else -1
            broken = broken or depth < 0
            assert answer == (2 if broken else int(depth > 0))
