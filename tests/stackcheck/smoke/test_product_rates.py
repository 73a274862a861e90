from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from stackcheck.smoke.stages.fp8 import Fp8Product, Fp8Unavailable
from stackcheck.smoke.stages.product_rates import Measured, judge_rates, sample_error
from stackcheck.smoke.stages.products import allowed_units


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("given", "result", "unit"),
    [
        (ml_dtypes.float8_e4m3fn, ml_dtypes.bfloat16, 2.0**-7),
        (ml_dtypes.bfloat16, ml_dtypes.bfloat16, 2.0**-7),
        (np.float16, np.float16, 2.0**-10),
        (np.float32, np.float32, 2.0**-23),
    ],
)
def test_a_product_that_only_rounds_is_within_the_limit_and_a_wrong_one_is_not(
    random, given, result, unit
):
    left, right = (random.standard_normal((256, 256)).astype(given) for _ in range(2))
    product = (left.astype(np.float64) @ right.astype(np.float64)).astype(result)
    allowed = allowed_units(256)
    assert sample_error(product, left, right, unit, random) <= allowed / 4
    transposed = np.ascontiguousarray(product.T)
    assert sample_error(transposed, left, right, unit, random) > allowed
    product[:] = np.nan
    assert sample_error(product, left, right, unit, random) == float("inf")


def test_the_slowest_share_decides_and_every_share_is_told():
    measured = {"float32": Measured(50.0, 0.75, 2.0), "float8": Measured(900.0, 0.45, 3.0)}
    outcome = judge_rates(measured, "NVIDIA H100", 100.0, [])
    assert (outcome.status, outcome.value) == ("error", 0.45)
    assert outcome.message.startswith("float8 products reach 45% of the peak")
    assert "float32 75%; float8 45%" in outcome.compared_with
    assert outcome.rates == {"float32 TFLOP/s": 50.0, "float8 TFLOP/s": 900.0}


def test_a_wrong_product_is_worse_than_a_slow_one():
    measured = {"float32": Measured(5.0, 0.1, 2.0), "TF32": Measured(300.0, 0.9, float("inf"))}
    outcome = judge_rates(measured, "NVIDIA H100", 100.0, [])
    assert outcome.message == "TF32 products are off by inf rounding units"


def test_a_gpu_whose_peak_is_not_known_is_not_judged_by_it():
    outcome = judge_rates({"float32": Measured(5.0, None, 2.0)}, "NVIDIA X", 100.0, ["no float8"])
    assert (outcome.status, outcome.value) == ("ok", None)
    assert "no float8" in outcome.message


class HostArrays:
    """What `Fp8Product` takes of CuPy, on the host: enough for the library to describe the product."""

    uint8, uint16 = np.uint8, np.uint16

    class Held:
        def __init__(self, array):
            self.array, self.data, self.ptr = array, self, array.ctypes.data

    @classmethod
    def asarray(cls, array):
        return cls.Held(array)

    @classmethod
    def zeros(cls, *shape):
        return cls.Held(np.zeros(*shape))

    empty = zeros


def test_without_cublas_or_a_gpu_float8_is_unavailable_with_the_reason():
    matrix = np.zeros((32, 64), np.uint8)
    with pytest.raises(Fp8Unavailable, match=r"cuBLASLt cannot be used|ended with status"):
        Fp8Product(HostArrays, matrix, matrix)
