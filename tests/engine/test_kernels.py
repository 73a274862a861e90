from __future__ import annotations

import numpy as np
import pytest
import stackgrad as torch
from stackgrad import autograd
from stackgrad.kernels.products import matmul
from stackgrad.nn.functional import activation, attention, loss, normalization, recurrent
from stackgrad.ops.fused import Fused
from stackgrad.testing import gradgradcheck
from stackgrad.tuning import parallel, set_num_threads, threads


def given(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def classes(*values: int) -> torch.Tensor:
    return torch.tensor(values)


CASES = {
    "layer_norm": (normalization._layer_norm, lambda: (given(2, 5, 6), given(6), given(6)), {"width": 6, "eps": 1e-5}),
    "layer_norm without weights": (normalization._layer_norm, lambda: (given(4, 6), None, None), {"width": 6, "eps": 1e-5}),
    "gelu": (activation._gelu_tanh, lambda: (given(3, 7),), {}),
    "attention": (attention._attention, lambda: (given(2, 3, 5, 4), given(2, 3, 6, 4), given(2, 3, 6, 7)), {"scale": 0.3, "causal": False}),
    "causal attention": (attention._attention, lambda: tuple(given(2, 5, 4) for _ in range(3)), {"scale": 0.5, "causal": True}),
    "cross_entropy": (loss._cross_entropy, lambda: (given(4, 3), classes(0, 2, -100, 1)), {"ignored": -100, "mean": True}),
    "summed cross_entropy": (loss._cross_entropy, lambda: (given(3, 5), classes(4, 0, 2)), {"ignored": -100, "mean": False}),
    "lstm": (recurrent._lstm_layer, lambda: (given(4, 2, 3), given(2, 5), given(2, 5), given(20, 3), given(20, 5), given(20), given(20)), {}),
    "lstm without biases": (recurrent._lstm_layer, lambda: (given(3, 2, 3), given(2, 4), given(2, 4), given(16, 3), given(16, 4), None, None), {}),
}  # fmt: skip


@pytest.fixture(params=[1, 2])
def thread_count(request):
    before = threads.count
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("name", CASES)
def test_a_kernel_gives_the_values_and_gradients_of_its_formula(name, thread_count):
    torch.manual_seed(thread_count)
    op, make, static = CASES[name]
    assert isinstance(op, Fused)
    inputs = make()
    wanted = [t for t in inputs if t is not None and t.requires_grad]
    fast, plain = as_tuple(op.apply(*inputs, **static)), as_tuple(op.formula(*inputs, **static))
    seeds = [torch.randn(o.shape, dtype=torch.float64) for o in plain]
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_allclose(a.array, b.array, rtol=1e-10, atol=1e-12)
    for a, b in zip(
        autograd.grad(fast, wanted, seeds), autograd.grad(plain, wanted, seeds), strict=True
    ):
        np.testing.assert_allclose(a.array, b.array, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_the_second_derivative_of_a_kernel_is_that_of_its_formula(name):
    torch.manual_seed(7)
    op, make, static = CASES[name]
    inputs = make()
    assert gradgradcheck(lambda *given: op.apply(*given, **static), inputs, fast_mode=True)


def test_one_used_output_of_several_is_enough_for_a_gradient():
    inputs = CASES["lstm"][1]()
    _, h, _ = recurrent._lstm_layer.apply(*inputs)
    _, expected, _ = recurrent._lstm_layer.formula(*inputs)
    (a,), (b,) = (autograd.grad(o.sum(), inputs[0]) for o in (h, expected))
    np.testing.assert_allclose(a.array, b.array, rtol=1e-10)


@pytest.mark.parametrize(
    ("left", "right"),
    [((300, 200), (200, 100)), ((20, 600), (600, 700)), ((6, 90, 100), (6, 100, 110))],
)
def test_products_shared_among_threads_are_those_of_numpy(left, right, thread_count):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(left), rng.standard_normal(right)
    np.testing.assert_allclose(matmul(np, x, y), x @ y)
    transposed = matmul(np, x.swapaxes(-1, -2).copy().swapaxes(-1, -2), y)
    np.testing.assert_allclose(transposed, x @ y)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 100])
def test_parallel_work_covers_everything_once(size, thread_count):
    seen = np.zeros(size, int)

    def work(start: int, stop: int) -> None:
        seen[start:stop] += 1

    parallel(work, size)
    assert (seen == 1).all()


def test_an_error_in_parallel_work_reaches_the_caller(thread_count):
    def work(start: int, stop: int) -> None:
        if stop == 10:
            raise ValueError("in a slice")

    with pytest.raises(ValueError, match="in a slice"):
        parallel(work, 10)


def test_the_bits_of_a_step_do_not_depend_on_chance(thread_count):
    def step() -> bytes:
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 10)
        )
        optimizer = torch.optim.AdamW(net.parameters(), 0.01)
        x, y = torch.randn(16, 1, 8, 8), torch.randint(0, 10, (16,))
        for _ in range(3):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        return b"".join(p.array.tobytes() for p in net.parameters())

    assert step() == step()
