from __future__ import annotations

import numpy as np
import pytest

from stackcheck.smoke.stages.products import find_wrong_element

EPSILON = float(np.finfo(np.float32).eps)


@pytest.fixture
def matrices():
    random = np.random.default_rng(5)
    left = random.standard_normal((96, 64)).astype(np.float32)
    right = random.standard_normal((64, 80)).astype(np.float32)
    return left.astype(np.float64), right.astype(np.float64), (left @ right).astype(np.float64)


def test_accepts_the_rounding_of_a_right_product(matrices):
    left, right, product = matrices
    for seed in range(20):
        assert (
            find_wrong_element(product, left, right, EPSILON, np.random.default_rng(seed))[1]
            is None
        )


@pytest.mark.parametrize("place", [(0, 0), (95, 79), (41, 7)])
@pytest.mark.parametrize("wrong", [1e-2, float("nan"), float("inf")])
def test_finds_the_place_of_one_wrong_element(matrices, place, wrong):
    left, right, product = matrices
    product[place] += wrong
    assert find_wrong_element(product, left, right, EPSILON, np.random.default_rng(0))[1] == place


def test_finds_a_column_that_was_left_out(matrices):
    left, right, product = matrices
    product[:, 33] = 0
    found = find_wrong_element(product, left, right, EPSILON, np.random.default_rng(0))[1]
    assert found is not None
    assert found[1] == 33
