from __future__ import annotations

import numpy as np
import pytest

from stackcheck.smoke.divergence import blame_library, find_divergence

LAYERS = ("embedding", "norm1", "up", "up.gelu", "head")
PARAMETERS = ("tokens", "positions", "norm1.weight", "up.weight", "up.bias", "head.weight")


def trace():
    random = np.random.default_rng(0)
    names = [f"activation/{layer}" for layer in LAYERS]
    names += [f"gradient/{name}" for name in (*LAYERS, *PARAMETERS)]
    return {name: random.standard_normal((6, 5)).astype(np.float32) for name in names}


def parted(*names):
    other = trace()
    for name in names:
        other[name][2, 3] += 0.5
    return find_divergence(trace(), other, LAYERS)


def test_equal_computations_do_not_part():
    assert parted() is None


def test_rounding_is_no_difference():
    other = {name: value * np.float32(1 + 3e-6) for name, value in trace().items()}
    assert find_divergence(trace(), other, LAYERS) is None


def test_the_first_activation_in_the_order_forward_is_named():
    found = parted("activation/up.gelu", "activation/head", "gradient/head", "gradient/head.weight")
    assert (found.kind, found.layer) == ("activation", "up.gelu")


@pytest.mark.parametrize(
    ("wrong", "layer"),
    [
        (("head.weight", "up.gelu"), "head"),
        (("up", "up.weight", "norm1", "tokens"), "up.gelu"),
        (("up.bias",), "up"),
        (("norm1",), "up"),
        (("head", "up.gelu"), "the loss"),
        (("positions",), "embedding"),
    ],
)
def test_of_gradients_the_layer_whose_backward_gives_the_first_wrong_one_is_named(wrong, layer):
    found = parted(*(f"gradient/{name}" for name in wrong))
    assert (found.kind, found.layer) == ("gradient", layer)


def test_what_one_side_does_not_tell_is_not_compared():
    other = {name: value for name, value in trace().items() if not name.startswith("gradient/up")}
    assert find_divergence(trace(), other, LAYERS) is None


def test_what_is_no_number_or_has_another_shape_differs():
    for wrong in (np.full((6, 5), np.nan, np.float32), np.zeros((5, 6), np.float32)):
        found = find_divergence(trace(), {**trace(), "activation/up": wrong}, LAYERS)
        assert found.layer == "up"


@pytest.mark.parametrize(
    ("layer", "library"),
    [
        ("conv2", "/lib/libcudnn_engines.so.9"),
        ("conv2.relu", "/lib/libtorch_cuda.so"),
        ("lstm", "/lib/libcudnn_engines.so.9"),
        ("fc1", "/lib/libcublas.so.12"),
        ("norm1", "/lib/libtorch_cuda.so"),
    ],
)
def test_the_library_that_computes_a_kind_of_layer_is_named(layer, library):
    loaded = ("/lib/libcublas.so.12", "/lib/libcudnn_engines.so.9", "/lib/libtorch_cuda.so")
    assert blame_library(layer, loaded) == library
