from __future__ import annotations

import numpy as np
import pytest

from stackcheck.smoke.stages.random_numbers import KNOWN_ANSWERS, philox


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_gives_the_published_values_of_philox(counter, key, answer):
    assert philox(counter, key) == answer


def test_agrees_with_numpys_philox():
    bits = np.random.Philox(key=77, counter=9).random_raw(8)  # NumPy counts up before each block
    assert tuple(map(int, bits)) == philox((10, 0, 0, 0), (77, 0)) + philox((11, 0, 0, 0), (77, 0))
