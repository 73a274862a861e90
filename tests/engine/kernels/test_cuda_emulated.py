"""The CUDA kernels, run on the CPU by a host compiler, against NumPy's kernels and plain formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import stackgrad as torch
from stackgrad.kernels import attention, convolution, optimizer, pooling, recurrent, rowwise
from stackgrad.kernels.cuda import elements, emulation, gathering, rows, source, updates
from stackgrad.kernels.cuda.launch import each

pytestmark = pytest.mark.skipif(emulation.compiler() is None, reason="g++ is not installed")

XP = emulation.EmulatedArrays()
KINDS = ["float32", "float64", "float16", "bfloat16"]
TOLERANCE = {"float32": 2e-6, "float64": 1e-13, "float16": 2e-3, "bfloat16": 2e-2}


@pytest.fixture(params=KINDS)
def kind(request):
    return getattr(torch, request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def draw(rng, kind, *shape):
    return rng.standard_normal(shape).astype(kind.numpy)


def close(found, expected, kind, factor=1.0):
    """Compare in float64; both began with the same numbers of the narrow type."""
    assert found.shape == np.shape(expected)
    limit = factor * TOLERANCE[kind.name]
    np.testing.assert_allclose(found.astype("f8"), expected, rtol=limit, atol=limit)


def wide(*arrays):
    return [None if a is None else a.astype("f8") for a in arrays]


@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize(
    ("shape", "dim"), [((5, 70), 1), ((3, 1), -1), ((2, 9, 4), 1), ((0, 3), 1)]
)
def test_softmax_and_its_slope(rng, kind, shape, dim, logarithm):
    x, g = draw(rng, kind, *shape), draw(rng, kind, *shape)
    y = rows.softmax(XP, x, dim, logarithm=logarithm)
    wx, wg = wide(x, g)
    if not x.size:
        assert y.shape == x.shape
        return
    p = np.exp(wx - wx.max(dim, keepdims=True))
    p /= p.sum(dim, keepdims=True)
    close(y, np.log(p) if logarithm else p, kind, 4)
    slope = rows.softmax_slope(XP, g, y, dim, logarithm=logarithm)
    wy = y.astype("f8")
    expected = (
        wg - np.exp(wy) * wg.sum(dim, keepdims=True)
        if logarithm
        else wy * (wg - (wg * wy).sum(dim, keepdims=True))
    )
    close(slope, expected, kind, 4)


def test_softmax_of_infinities_and_of_a_nan_is_numpys():
    x = np.array([[0, -np.inf, 3], [np.inf, 0, 1], [np.nan, 1, 2], [-np.inf] * 3], np.float32)
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(1, keepdims=True))
        expected = e / e.sum(1, keepdims=True)
    np.testing.assert_allclose(rows.softmax(XP, x, 1), expected, rtol=1e-6)


@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_is_numpys_kernel(rng, kind, affine):
    x, g = draw(rng, kind, 6, 70), draw(rng, kind, 6, 70)
    w, b = (draw(rng, kind, 70), draw(rng, kind, 70)) if affine else (None, None)
    static = {"width": 70, "eps": 1e-5}
    (y,), residue = rows.LayerNorm.forward(XP, x, w, b, keep=True, **static)
    (expected,), kept = rowwise.LayerNorm.forward(np, *wide(x, w, b), keep=True, **static)
    close(y, expected, kind, 4)
    needs = (True, affine, affine)
    found = rows.LayerNorm.backward(XP, residue, [g], [x, w, b], needs, **static)
    expected = rowwise.LayerNorm.backward(np, kept, wide(g), wide(x, w, b), needs, **static)
    for a, e in zip(found, expected, strict=True):
        assert (a is None) == (e is None)
        if a is not None:
            close(a, e, kind, 20)


def test_group_norm_gives_each_channel_its_weight(rng, kind):
    x, g = draw(rng, kind, 2, 6, 5), draw(rng, kind, 2, 6, 5)
    w, b = draw(rng, kind, 6), draw(rng, kind, 6)
    static = {"width": 15, "eps": 1e-5, "groups": 2, "spatial": 5}
    (y,), residue = rows.Norm.forward(XP, x, w, b, keep=True, **static)
    dx, dw, db = rows.Norm.backward(XP, residue, [g], [x, w, b], (True, True, True), **static)
    tensors = [torch.from_numpy(t).double().requires_grad_() for t in (x, w, b)]
    expected = torch.nn.functional.group_norm(tensors[0], 2, tensors[1], tensors[2])
    close(y, expected.detach().numpy(), kind, 4)
    slopes = torch.autograd.grad(expected, tensors, torch.from_numpy(g).double())
    for a, e in zip((dx, dw, db), slopes, strict=True):
        close(a, e.numpy(), kind, 20)


def test_rms_norm_leaves_the_mean_in(rng, kind):
    x, g, w = (
        draw(rng, kind, 4, 33) + kind.numpy.type(1),
        draw(rng, kind, 4, 33),
        draw(rng, kind, 33),
    )
    static = {"width": 33, "eps": 1e-6}
    (y,), residue = rows.RMSNorm.forward(XP, x, w, keep=True, **static)
    found = rows.RMSNorm.backward(XP, residue, [g], [x, w], (True, True), **static)
    tensors = [torch.from_numpy(t).double().requires_grad_() for t in (x, w)]
    expected = torch.nn.functional.rms_norm(tensors[0], (33,), tensors[1], 1e-6)
    close(y, expected.detach().numpy(), kind, 4)
    for a, e in zip(
        found, torch.autograd.grad(expected, tensors, torch.from_numpy(g).double()), strict=True
    ):
        close(a, e.numpy(), kind, 20)


@pytest.mark.parametrize("mean", [True, False])
def test_cross_entropy_is_numpys_kernel(rng, kind, mean):
    x, target = draw(rng, kind, 5, 40), np.array([3, -100, 0, 39, 3])
    static = {"ignored": -100, "mean": mean}
    (loss,), residue = rows.CrossEntropy.forward(XP, x, target, keep=True, **static)
    (expected,), kept = rowwise.CrossEntropy.forward(np, *wide(x), target, keep=True, **static)
    close(loss, expected, kind, 4)
    one = np.array(1.5, kind.numpy)
    found, _ = rows.CrossEntropy.backward(XP, residue, [one], [x, target], (True, False), **static)
    slope, _ = rowwise.CrossEntropy.backward(
        np, kept, wide(one), [x, target], (True, False), **static
    )
    close(found, slope, kind, 4)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_is_numpys_kernel(rng, causal):
    kind = torch.float64
    columns = 5 if causal else 6
    q, k, v = (
        draw(rng, kind, 2, 3, 5, 4),
        draw(rng, kind, 2, 3, columns, 4),
        draw(rng, kind, 2, 3, columns, 7),
    )
    static = {"scale": 0.4, "causal": causal}
    (y,), residue = rows.Attention.forward(XP, q, k, v, keep=True, **static)
    (expected,), kept = attention.Attention.forward(np, q, k, v, keep=True, **static)
    close(y, expected, kind, 4)
    g = draw(rng, kind, *y.shape)
    needs = (True, True, True)
    found = rows.Attention.backward(XP, residue, [g], [q, k, v], needs, **static)
    slopes = attention.Attention.backward(np, kept, [g], [q, k, v], needs, **static)
    for a, e in zip(found, slopes, strict=True):
        close(a, e, kind, 20)


@pytest.mark.parametrize("name", ["gelu_tanh", "gelu", "silu"])
def test_activations_and_their_slopes(rng, kind, name):
    kernel, x, g = getattr(elements, name), draw(rng, kind, 3, 50), draw(rng, kind, 3, 50)
    (y,), residue = kernel.forward(XP, x, keep=True)
    tensor = torch.from_numpy(x).double().requires_grad_()
    functional = torch.nn.functional
    expected = {
        "gelu_tanh": lambda t: functional.gelu(t, approximate="tanh"),
        "gelu": functional.gelu,
        "silu": functional.silu,
    }[name](tensor)
    close(y, expected.detach().numpy(), kind, 4)
    (dx,) = kernel.backward(XP, residue, [g], [x], (True,))
    (slope,) = torch.autograd.grad(expected, [tensor], torch.from_numpy(g).double())
    close(dx, slope.numpy(), kind, 4)


@pytest.mark.parametrize("biases", [True, False])
def test_a_layer_of_lstm_is_numpys_kernel(rng, biases):
    kind = torch.float64
    x, h, c = draw(rng, kind, 4, 2, 3), draw(rng, kind, 2, 5), draw(rng, kind, 2, 5)
    weights = [draw(rng, kind, 20, 3), draw(rng, kind, 20, 5)]
    weights += [draw(rng, kind, 20), draw(rng, kind, 20)] if biases else [None, None]
    arrays = [x, h, c, *weights]
    found, residue = elements.LSTMLayer.forward(XP, *arrays, keep=True)
    expected, kept = recurrent.LSTMLayer.forward(np, *arrays, keep=True)
    for a, e in zip(found, expected, strict=True):
        close(a, e, kind, 10)
    needs = [a is not None for a in arrays]
    gradients = [draw(rng, kind, *a.shape) for a in found]
    for given in (gradients, [None, gradients[1], None], [gradients[0], None, None]):
        ours = elements.LSTMLayer.backward(XP, residue, given, arrays, needs)
        theirs = recurrent.LSTMLayer.backward(np, kept, given, arrays, needs)
        for a, e in zip(ours, theirs, strict=True):
            assert (a is None) == (e is None)
            if a is not None:
                close(a, e, kind, 50)


@pytest.mark.parametrize(("seed", "counter"), [(0, 0), (12345, 7), (2**64 - 1, 2**63)])
def test_random_words_are_those_of_numpys_philox(seed, counter):
    expected = np.random.Philox(key=seed, counter=(counter - 1) % 2**256).random_raw(1004)
    np.testing.assert_array_equal(elements.philox_words(XP, seed, counter, 1001), expected[:1001])


def test_dropout_drops_where_the_cpu_does(kind):
    generator = torch.Generator().manual_seed(3)
    x = np.ones((7, 33), kind.numpy)
    y = elements.dropout(XP, x, 0.4, np.array([3, 0], np.uint64))
    drawn = torch.random.uniform(np, x.shape, np.dtype("float32"), generator)
    close(y, np.where(drawn >= 0.4, 1 / 0.6, 0), kind)


@pytest.mark.parametrize("settings", [{}, {"shrink": 0.1}, {"decay": 0.2, "sign": -1}])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_moves_all_parameters_at_once_as_numpys_kernel_moves_each(
    rng, kind, settings, amsgrad
):
    sums = source.accumulator(kind.numpy)
    step = optimizer.AdamStep(
        **{
            "rate": 0.1,
            "eps": 1e-3,
            "beta1": 0.9,
            "beta2": 0.99,
            "shrink": 0,
            "decay": 0,
            "sign": 1,
            **settings,
        }
    )
    rows_, plain = [], []
    for shape in ((3, 4), (1,), (130,)):
        p, g = draw(rng, kind, *shape), draw(rng, kind, *shape)
        m, v, top = (np.abs(draw(rng, kind, *shape)).astype(sums) for _ in range(3))
        rows_.append((p, g, m, v, top if amsgrad else None))
        plain.append(wide(p, g, m, v, top if amsgrad else None))
    table = updates.Table()
    for _ in range(2):
        updates.adam(XP, table, rows_, step)
        for row in plain:
            step.apply(np, *row)
    for ours, theirs in zip(rows_, plain, strict=True):
        for a, e in zip(ours, theirs, strict=True):
            if a is not None:
                close(a, e, kind, 4)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_moves_as_the_optimizer_does(rng, momentum, nesterov):
    kind = torch.float64
    start, gradients = draw(rng, kind, 50), [draw(rng, kind, 50) for _ in range(3)]
    p = torch.from_numpy(start.copy()).requires_grad_()
    plain = torch.optim.SGD([p], 0.1, momentum, weight_decay=0.01, nesterov=nesterov)
    ours, buffer = start.copy(), np.zeros(50) if momentum else None
    numbers, table = (0.1, momentum, 1.0, 0.01, 1.0), updates.Table()
    for i, g in enumerate(gradients):
        p.grad = torch.from_numpy(g.copy())
        plain.step()
        updates.sgd(XP, table, [(ours, g, buffer)], numbers, nesterov=nesterov, first=i == 0)
    close(ours, p.detach().numpy(), kind)


def test_gradients_of_an_embedding_add_up_per_row(rng, kind):
    indices, g = np.array([[3, 0, 3], [5, 3, 0]]), draw(rng, kind, 2, 3, 40)
    expected = np.zeros((6, 40))
    np.add.at(expected, indices.ravel(), g.reshape(-1, 40).astype("f8"))
    close(gathering.embedding_slope(XP, g, indices, 6), expected, kind, 4)
    expected[3] = 0
    close(gathering.embedding_slope(XP, g, indices, 6, padding=3), expected, kind, 4)


GEOMETRIES = [
    ((2, 2), ((2, 2), (0, 0), (1, 1))),
    ((3, 2), ((2, 1), (1, 0), (1, 1))),
    ((2, 3), ((1, 2), (1, 1), (2, 1))),
]


@pytest.mark.parametrize(("kernel", "settings"), GEOMETRIES)
def test_pooling_is_numpys_kernel(rng, kind, kernel, settings):
    geometry = convolution.Geometry(*settings, 1)
    x = rng.integers(-3, 3, (2, 3, 7, 8)).astype(kind.numpy)  # with equal elements
    output = geometry.output(x.shape[2:], kernel)
    y, place = gathering.max_pool(XP, x, kernel, geometry, output)
    expected = pooling.max_pool(np, x, kernel, geometry, output)
    close(y, expected.astype("f8"), kind)
    np.testing.assert_array_equal(place, pooling.max_place(np, x, expected, kernel, geometry))
    g = rng.integers(-3, 3, y.shape).astype(kind.numpy)
    slope = pooling.spread_to_place(np, g, place, x.shape[2:], kernel, geometry)
    close(
        gathering.max_pool_slope(XP, g, place, x.shape[2:], kernel, geometry),
        slope.astype("f8"),
        kind,
    )
    total = pooling.sum_pool(np, x, kernel, geometry, output)
    close(gathering.sum_pool(XP, x, kernel, geometry, output), total.astype("f8"), kind)
    spread = pooling.spread_sum(np, g, x.shape[2:], kernel, geometry)
    close(gathering.sum_pool_slope(XP, g, x.shape[2:], kernel, geometry), spread.astype("f8"), kind)


@pytest.mark.parametrize(("kernel", "settings"), GEOMETRIES)
def test_unrolled_convolution_is_numpys(rng, kernel, settings):
    geometry = convolution.Geometry(*settings, 1)
    x = draw(rng, torch.float32, 2, 3, 7, 8)
    columns = convolution.im2col(np, x, kernel, geometry)
    np.testing.assert_array_equal(gathering.im2col(XP, x, kernel, geometry), columns)
    back = convolution.col2im(np, columns, x.shape[2:], kernel, geometry)
    close(gathering.col2im(XP, columns, x.shape[2:], kernel, geometry), back, torch.float32)


def test_batch_norm_and_its_slopes(rng, kind):
    x, g = draw(rng, kind, 3, 4, 5, 2), draw(rng, kind, 3, 4, 5, 2)
    w, b = draw(rng, kind, 4), draw(rng, kind, 4)
    (y,), residue = gathering.BatchNorm.forward(XP, x, w, b, keep=True, eps=1e-5)
    found = gathering.BatchNorm.backward(XP, residue, [g], [x, w, b], (True, True, True), eps=1e-5)
    tensors = [torch.from_numpy(t).double().requires_grad_() for t in (x, w, b)]
    expected = torch.nn.functional.batch_norm(
        tensors[0], None, None, tensors[1], tensors[2], training=True
    )
    close(y, expected.detach().numpy(), kind, 4)
    for a, e in zip(
        found, torch.autograd.grad(expected, tensors, torch.from_numpy(g).double()), strict=True
    ):
        close(a, e.numpy(), kind, 20)


def test_half_precision_is_rounded_to_the_nearest_even_one():
    body = 'extern "C" __global__ void copy(const float* x, T* y, i64 n) { for (EACH(i, n)) store(y + i, x[i]); }'
    values = np.random.default_rng(1).standard_normal(5000).astype(np.float32)
    values = np.concatenate(
        [values, [0, -0.0, np.inf, -np.inf, 1e-45, 65519, 65520, 1 + 2**-8, 1 + 3 * 2**-8]]
    )
    values = values.astype(np.float32)
    for kind in (torch.float16, torch.bfloat16):
        out = np.empty(values.shape, kind.numpy)
        each(XP, "copy", kind.numpy, values.size, (values, out, values.size), body=body)
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(
                out.view(np.uint16), values.astype(kind.numpy).view(np.uint16)
            )


def test_a_kernel_writes_nothing_beyond_its_output():
    for width in (1, 31, 33, 64, 100):
        guarded = np.full(3 * width + 64, 7.0, np.float32)
        out = guarded[32:-32].reshape(3, width)
        x = np.ones((3, width), np.float32)
        XP.launch(source.text(("rowwise.cu",)), x.dtype, "softmax_forward", 3, 64, [
            x, out, *(np.array(v, t) for v, t in ((width, "i8"), (1, "f4"), (0, "i4"), (0, "i8"), (0, "i8"))),
        ])  # fmt: skip
        np.testing.assert_allclose(out, 1 / width, rtol=1e-6)
        assert (guarded[:32] == 7).all()
        assert (guarded[-32:] == 7).all()


def test_threads_that_wait_for_each_other_forever_are_an_error():
    body = """extern "C" __global__ void stuck(T* x) {
        if (threadIdx.x < 32) __syncthreads(); else __shfl_xor_sync(0xffffffffu, (A)0, 1), __syncwarp();
    }"""
    each(
        XP, "stuck", np.dtype("float32"), 1, (np.zeros(1, np.float32),), body=body
    )  # those that end do not wait
    body = body.replace("if (threadIdx.x < 32)", "if (threadIdx.x % 32 < 16)")
    with pytest.raises(emulation.EmulationError, match="stuck"):
        each(XP, "stuck", np.dtype("float32"), 1, (np.zeros(1, np.float32),), body=body)


def test_wrong_arguments_are_an_error_that_names_the_kernel():
    with pytest.raises(TypeError, match="kernel gelu_forward takes 3 arguments, not 1"):
        each(XP, "gelu_forward", np.dtype("float32"), 1, (np.zeros(1, np.float32),))
    x = np.zeros((4, 4), np.float32)[:, ::2]
    with pytest.raises(TypeError, match="with gaps"):
        each(XP, "gelu_forward", np.dtype("float32"), 8, (x, x, 8))


def test_every_kernel_is_called_here_or_above():
    """A kernel that nothing launches would be compiled and never run."""
    from pathlib import Path

    used = "".join(path.read_text() for path in source.HERE.glob("*.py"))
    for name in source.signatures(source.text(), np.dtype("float32")):
        stem = name.removesuffix("_forward").removesuffix("_backward")
        assert f'"{name}"' in used or f'Activation("{stem}")' in used, name
    assert math.prod(p.exists() for p in (source.HERE / f for f in source.FILES)) == 1
    assert {p.name for p in Path(source.HERE).glob("*.cu")} == set(source.FILES)
