from __future__ import annotations

import itertools

import numpy as np
import pytest
import stackgrad as torch
from stackgrad.kernels.convolution import Geometry, convolve, convolve_input, convolve_weight
from stackgrad.kernels.products import matmul
from stackgrad.kernels.recurrent import LSTMLayer
from stackgrad.libraries import onednn
from stackgrad.tuning import set_num_threads, threads

found = pytest.mark.skipif(
    onednn.library() is None, reason=f"oneDNN cannot be used: {onednn.why_not()}"
)


@pytest.fixture(params=[1, 2])
def thread_count(request):
    before = threads.count
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def with_and_without(compute) -> tuple[list[np.ndarray], list[np.ndarray]]:
    results = []
    for wanted in (True, False):
        onednn.enable(wanted)
        try:
            results.append(compute())
        finally:
            onednn.enable(True)
    return results[0], results[1]


def assert_agree(pair: tuple[list[np.ndarray], list[np.ndarray]]) -> None:
    for ours, plain in zip(*pair, strict=True):
        assert ours.shape == plain.shape
        np.testing.assert_allclose(ours, plain, rtol=2e-4, atol=2e-4)


def test_backends_name_the_library_in_use_or_the_reason_why_there_is_none():
    report = torch.backends()["onednn"]
    assert (report["library"] is None) == ("why" in report)
    onednn.enable(False)
    try:
        assert torch.backends()["onednn"] == {
            "library": None,
            "version": None,
            "why": "switched off",
        }
        assert torch.backends()["convolution"]["library"] == "stackgrad"
    finally:
        onednn.enable(True)


@found
@pytest.mark.parametrize("shapes", [((200, 300), (300, 100)), ((4, 90, 100), (4, 100, 110))])
@pytest.mark.parametrize("turned", list(itertools.product((False, True), repeat=2)))
def test_products_are_those_of_numpy_whatever_the_order_in_memory(shapes, turned, thread_count):
    x, y = (
        random(*s).swapaxes(-1, -2).copy().swapaxes(-1, -2) if turn else random(*s)
        for s, turn in zip(shapes, turned, strict=True)
    )
    assert_agree(with_and_without(lambda: [matmul(np, x, y)]))


@found
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolution_and_its_gradients_are_those_of_the_plain_kernels(dims, groups, thread_count):
    x, w, bias = random(3, 4, *[9] * dims), random(8, 4 // groups, *[3] * dims), random(8)
    for stride, padding, dilation in itertools.product((1, 2), (0, 1), (1, 2)):
        geometry = Geometry((stride,) * dims, (padding,) * dims, (dilation,) * dims, groups)
        size, kernel = x.shape[2:], w.shape[2:]
        g = random(3, 8, *geometry.output(size, kernel))

        def products(g=g, geometry=geometry, size=size, kernel=kernel):
            return [
                convolve(np, x, w, bias, geometry),
                convolve_weight(np, g, x, kernel, geometry),
                convolve_input(np, g, w, size, geometry),
            ]

        assert_agree(with_and_without(products))


@found
def test_convolution_takes_arrays_in_any_order_of_memory():
    x = random(2, 8, 8, 3).transpose(0, 3, 1, 2)
    w = random(3, 3, 4, 3).transpose(2, 3, 0, 1)
    geometry = Geometry((1, 1), (1, 1), (1, 1), 1)
    assert_agree(with_and_without(lambda: [convolve(np, x, w, None, geometry)]))


@found
@pytest.mark.parametrize(("steps", "batch"), [(5, 17), (3, 2), (1, 40)])
@pytest.mark.parametrize("biases", [True, False])
def test_an_lstm_and_its_gradients_are_those_of_the_plain_kernel(
    steps, batch, biases, thread_count
):
    width, hidden = 6, 7
    b = [random(28), random(28)] if biases else [None, None]
    arrays = [
        random(steps, batch, width),
        random(batch, hidden),
        random(batch, hidden),
        random(28, width),
        random(28, hidden),
        *b,
    ]
    gradients = [random(steps, batch, hidden), None, random(batch, hidden)]

    def run():
        out, residue = LSTMLayer.forward(np, *arrays, keep=True)
        alone, _ = LSTMLayer.forward(np, *arrays, keep=False)
        slopes = LSTMLayer.backward(np, residue, gradients, arrays, [True] * 5 + [biases] * 2)
        return [*out, *alone, *(s for s in slopes if s is not None)]

    assert_agree(with_and_without(run))


@found
def test_the_bits_with_onednn_are_the_same_in_every_run(thread_count):
    x, w = random(8, 16, 20, 20), random(16, 16, 3, 3)
    geometry = Geometry((1, 1), (1, 1), (1, 1), 1)
    first, second = (convolve_weight(np, x, x, w.shape[2:], geometry) for _ in range(2))
    assert first.tobytes() == second.tobytes()
