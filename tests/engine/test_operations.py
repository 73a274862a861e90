# ruff: noqa: ARG005  (signatures are given by what calls them)
from __future__ import annotations

import numpy as np
import pytest
import stackgrad as torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stackgrad.ops.table import Op
from stackgrad.testing import gradcheck, gradgradcheck

F = torch.nn.functional


def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
    return (torch.rand(*shape, dtype=torch.float64) * (high - low) + low).requires_grad_()


SMOOTH = {
    "abs": (0.1, 1), "acos": (-0.9, 0.9), "acosh": (1.5, 3), "asin": (-0.9, 0.9), "asinh": (-2, 2), "atan": (-2, 2),
    "atanh": (-0.9, 0.9), "cos": (-2, 2), "cosh": (-2, 2), "deg2rad": (-2, 2), "erf": (-2, 2), "erfc": (-2, 2),
    "erfinv": (-0.9, 0.9), "exp": (-2, 2), "exp2": (-2, 2), "expm1": (-2, 2), "frac": (0.1, 0.9), "log": (0.5, 3),
    "log10": (0.5, 3), "log1p": (-0.5, 3), "log2": (0.5, 3), "neg": (-2, 2), "reciprocal": (0.5, 3), "relu": (0.1, 1),
    "rsqrt": (0.5, 3), "sigmoid": (-2, 2), "sin": (-2, 2), "sinc": (0.2, 2), "sinh": (-2, 2), "sqrt": (0.5, 3),
    "square": (-2, 2), "tan": (-1, 1), "tanh": (-2, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_functions_of_one_variable_have_right_first_and_second_derivatives(name):
    torch.manual_seed(0)
    x = uniform(*SMOOTH[name], 3, 2)
    function = getattr(torch, name)
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


BINARY = (
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "atan2",
    "hypot",
    "logaddexp",
    "maximum",
    "minimum",
    "fmod",
    "remainder",
)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    ("left", "right"), [((2, 3), (2, 3)), ((2, 1), (3,)), ((), (2, 2)), ((0, 2), (1, 2))]
)
def test_functions_of_two_variables_have_right_derivatives_under_broadcasting(name, left, right):
    torch.manual_seed(1)
    x, y = uniform(1.1, 1.9, *left), uniform(0.6, 1.05, *right)
    function = getattr(torch, name)
    assert gradcheck(function, (x, y))
    assert gradgradcheck(function, (x, y), fast_mode=True)


COMPOSED = {
    "sum": lambda x: x.sum(1), "mean": lambda x: x.mean((0, 2), keepdim=True), "prod": lambda x: x.prod(1),
    "var": lambda x: x.var(1), "std": lambda x: x.std((0, 1), correction=0), "amax": lambda x: x.amax(2),
    "logsumexp": lambda x: x.logsumexp(1), "cumsum": lambda x: x.cumsum(1), "cumprod": lambda x: x.cumprod(2),
    "logcumsumexp": lambda x: x.logcumsumexp(1), "norm": lambda x: x.norm(2, 1), "norm of order 3": lambda x: x.norm(3),
    "max": lambda x: x.max(1).values, "sort": lambda x: x.sort(2, descending=True).values, "topk": lambda x: x.topk(2, 1)[0],
    "median": lambda x: x.median(1).values, "clamp": lambda x: x.clamp(0.2, 0.6), "softmax": lambda x: F.softmax(x, 1),
    "log_softmax": lambda x: F.log_softmax(x, 2), "gelu": F.gelu, "silu": F.silu, "mish": F.mish, "elu": F.elu,
    "selu": F.selu, "softplus": F.softplus, "logsigmoid": F.logsigmoid, "glu": lambda x: F.glu(x, 1), "tril": torch.tril,
    "diagonal": lambda x: x.diagonal(0, 1, 2), "einsum": lambda x: torch.einsum("bij,bkj->bik", x, x * 2),
    "matmul": lambda x: x @ x.transpose(1, 2), "gather": lambda x: x.gather(2, torch.zeros(2, 4, 5, dtype=torch.int64)),
    "where": lambda x: torch.where(x.detach() > 0.5, x * x, x), "pad": lambda x: F.pad(x, (1, -1, 2, 0)),
    "reflect": lambda x: F.pad(x, (2, 1), mode="reflect"), "layer_norm": lambda x: F.layer_norm(x, (4, 3)),
    "group_norm": lambda x: F.group_norm(x, 2), "rms_norm": lambda x: F.rms_norm(x, (3,)),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True), "instance_norm": F.instance_norm,
    "scatter_add": lambda x: x.scatter_add(2, torch.zeros(2, 4, 3, dtype=torch.int64), x * 3),
    "index_add": lambda x: x.index_add(1, torch.tensor([0, 0, 2]), x[:, :3] * x[:, 1:]),
    "cross_entropy": lambda x: F.cross_entropy(x, torch.tensor([[0, 1, 2], [3, 0, -100]])),
    "smoothed": lambda x: F.cross_entropy(x[0], torch.tensor([0, 1, 2, 0]), label_smoothing=0.1),
    "kron": lambda x: torch.kron(x[0], x[1]), "cdist": lambda x: torch.cdist(x, x * 2), "tensordot": lambda x: torch.tensordot(x, x, 2) if x.ndim == 2 else torch.tensordot(x, x, ([0, 1], [0, 1])),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPOSED)
def test_operations_on_three_dimensions_have_right_derivatives(name):
    torch.manual_seed(2)
    x = uniform(0.05, 0.95, 2, 4, 3)
    assert gradcheck(COMPOSED[name], (x,))
    assert gradgradcheck(COMPOSED[name], (x,), fast_mode=True)


CONVOLUTIONS = [
    (F.conv1d, (2, 4, 7), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    (F.conv2d, (2, 3, 5, 6), (4, 3, 3, 2), {}),
    (F.conv2d, (1, 2, 6, 6), (4, 1, 3, 3), {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}),
    (F.conv3d, (1, 2, 3, 3, 3), (2, 2, 2, 2, 2), {"padding": 1}),
    (F.conv_transpose1d, (2, 3, 4), (3, 2, 3), {"stride": 3, "output_padding": 1}),
    (F.conv_transpose2d, (1, 4, 3, 3), (4, 2, 3, 3), {"stride": 2, "padding": 1, "groups": 2, "dilation": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("function", "x_shape", "w_shape", "options"), CONVOLUTIONS)
def test_convolutions_have_right_derivatives(function, x_shape, w_shape, options):
    torch.manual_seed(3)
    x, w = uniform(-1, 1, *x_shape), uniform(-1, 1, *w_shape)
    channels = function(x, w, **options).shape[1]
    b = uniform(-1, 1, channels)
    assert gradcheck(lambda x, w, b: function(x, w, b, **options), (x, w, b))
    assert gradgradcheck(lambda x, w, b: function(x, w, b, **options), (x, w, b), fast_mode=True)


def test_a_convolution_is_the_sum_that_defines_it():
    torch.manual_seed(4)
    x, w = (
        torch.randn(1, 2, 4, 5, dtype=torch.float64),
        torch.randn(3, 2, 2, 3, dtype=torch.float64),
    )
    y = F.conv2d(x, w, stride=2).numpy()
    expected = np.zeros_like(y)
    for o, i, j in np.ndindex(y.shape[1:]):
        window = x.numpy()[0, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 3]
        expected[0, o, i, j] = (window * w.numpy()[o]).sum()
    np.testing.assert_allclose(y, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bit_products_and_sums_are_added_up_in_float32(dtype):
    ones = torch.ones(1, 4096, dtype=dtype)
    assert (ones @ ones.t()).item() == 4096.0
    assert ones.sum().item() == 4096.0
    assert (ones @ ones.t()).dtype is dtype


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (torch.uint8, torch.int8, torch.int16),
        (torch.int64, torch.float16, torch.float16),
        (torch.float16, torch.bfloat16, torch.float32),
        (torch.bool, torch.uint8, torch.uint8),
        (torch.float32, torch.float64, torch.float64),
    ],
)
def test_two_dtypes_meet_as_in_pytorch(left, right, expected):
    x, y = torch.ones(2, dtype=left), torch.ones(2, dtype=right)
    assert (x + y).dtype is expected
    assert (y * x).dtype is expected


def test_numbers_and_tensors_without_dimensions_do_not_widen():
    x = torch.ones(2, dtype=torch.float16)
    assert (x * 2.5).dtype is torch.float16
    assert (x * torch.tensor(2.5, dtype=torch.float64)).dtype is torch.float16
    assert (torch.ones(2, dtype=torch.int32) * 2.5).dtype is torch.float32
    assert (torch.ones(2, dtype=torch.int32) * True).dtype is torch.int32
    assert (torch.ones(2, dtype=torch.int64) / 2).dtype is torch.float32


def test_infinities_and_nan_come_without_warnings():
    x = torch.tensor([0.0, -1.0, 1e38])
    assert torch.log(x).tolist()[0] == -float("inf")
    assert torch.isnan(torch.sqrt(x))[1]
    assert (x * 1e38)[2].item() == float("inf")
    assert (1 / x)[0].item() == float("inf")


def test_a_rule_that_asks_for_an_unknown_name_is_refused_at_once():
    with pytest.raises(TypeError, match="which nobody knows"):
        Op("wrong", lambda xp, x: x, {"x": lambda g, other: g})
    with pytest.raises(TypeError, match="no parameters of its function"):
        Op("wrong", lambda xp, x: x, {"z": lambda g: g})


def test_an_operation_without_a_rule_names_itself_in_backward():
    halve = Op("halve", lambda xp, x: x / 2, {})
    with pytest.raises(
        NotImplementedError, match=r"halve\(\) has no derivative with respect to 'x'"
    ):
        halve(torch.ones(2, requires_grad=True)).sum().backward()


def test_what_no_rule_asks_for_is_not_kept():
    x, y = torch.ones(2, requires_grad=True), torch.ones(2)
    kept = [name for name, *_ in (x * y).grad_fn.saved]
    assert kept == ["other"]
    assert [name for name, *_ in (x + y).grad_fn.saved] == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_indexing_is_that_of_numpy_after_selecting_at_numbers(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    key = []
    for size in shape[: data.draw(st.integers(1, len(shape)))]:
        number = st.integers(-size, size - 1)
        part = st.slices(size).filter(lambda s: s.step is None or s.step > 0)
        key.append(data.draw(st.one_of(number, part, st.lists(number, min_size=2, max_size=2))))
        key += data.draw(st.sampled_from([[], [None]]))
    numbers = tuple(k if isinstance(k, int) else slice(None) for k in key if k is not None)
    expected = array[numbers][tuple(k for k in key if not isinstance(k, int))]
    np.testing.assert_array_equal(torch.from_numpy(array)[tuple(key)].numpy(), expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=3), st.lists(st.booleans(), max_size=3))
def test_reductions_are_those_of_numpy_for_all_shapes(shape, chosen):
    array = np.random.default_rng(0).standard_normal(shape)
    dims = tuple(d for d, wanted in enumerate(chosen[: len(shape)]) if wanted)
    ours = torch.from_numpy(array).sum(dims or None, keepdim=True).numpy()
    np.testing.assert_allclose(ours, array.sum(dims or None, keepdims=True))


def test_embedding_gradients_of_repeated_rows_add_up():
    table = torch.zeros(4, 3, requires_grad=True)
    rows = F.embedding(torch.tensor([[1, 1], [3, 0]]), table, padding_idx=0)
    (rows * torch.tensor([1.0, 10.0]).reshape(1, 2, 1)).sum().backward()
    assert table.grad[:, 0].tolist() == [0.0, 11.0, 0.0, 1.0]


def test_pooling_gives_the_gradient_to_the_first_of_equal_elements():
    x = torch.zeros(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.reshape(-1).tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_overlapping_padded_pools_have_right_derivatives(pool):
    torch.manual_seed(5)
    x = uniform(-1, 1, 2, 2, 5, 6)
    assert gradcheck(lambda x: pool(x, 3, 2, 1, ceil_mode=True), (x,))
    assert gradgradcheck(lambda x: pool(x, 3, 2, 1), (x,), fast_mode=True)


def test_what_is_missing_is_named():
    for place, name in (
        (torch, "lobpcg"),
        (torch.nn, "FractionalMaxPool2d"),
        (F, "fractional_max_pool2d"),
        (torch.optim, "Muon"),
    ):
        with pytest.raises(AttributeError, match=name):
            getattr(place, name)
    with pytest.raises(RuntimeError, match="unknown device 'meta'"):
        torch.zeros(2, device="meta")


def test_a_target_that_is_no_class_is_refused():
    with pytest.raises(IndexError, match="Target 3 is out of bounds"):
        F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3]))
