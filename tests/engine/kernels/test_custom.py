# ruff: noqa: ARG005  (references take the array module first)
from __future__ import annotations

import numpy as np
import pytest
import stackgrad as torch
from stackgrad.custom import KERNELS, KernelError
from stackgrad.kernels.cuda import emulation
from stackgrad.testing import gradgradcheck

SWISH = """extern "C" __global__ void swish(const T* x, T* out, i64 n, A beta) {
    for (EACH(i, n)) { A v = wide(x[i]); store(out + i, v / (1 + exp(-beta * v))); }
}"""
SAMPLES = [(np.linspace(-2, 2, 8).reshape(2, 4), {"beta": 1.5}), (np.array(0.3), {"beta": 1.0})]


def swish(xp, x, *, beta):
    return x / (1 + xp.exp(-beta * x))


def slope(g, x, beta):
    s = (x * beta).sigmoid()
    return g * (s + beta * x * s * (1 - s))


def make(source=SWISH, reference=swish, rule=slope, **options):
    return torch.kernel("swish", source, reference, samples=SAMPLES, x=rule, **options)


emulated = pytest.mark.skipif(emulation.compiler() is None, reason="g++ is not installed")


def test_a_kernel_is_an_operation_with_derivatives_of_any_order():
    found = make()
    assert KERNELS["swish"] is found
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    y = found(x, beta=0.7)
    np.testing.assert_allclose(y.detach().numpy(), swish(np, x.detach().numpy(), beta=0.7))
    assert gradgradcheck(lambda t: found(t, beta=0.7), (x,))
    assert found(torch.ones(2).bfloat16(), beta=1.0).dtype is torch.bfloat16


@emulated
def test_it_says_what_was_compared():
    assert make().checked == {
        "rules": "differences of the reference",
        "kernel": "the reference, emulated on the CPU",
    }


def test_it_runs_on_the_device(device):
    found, x = make(), torch.randn(4, 3, requires_grad=True)
    there = x.detach().clone().to(device).requires_grad_()
    y = found(there, beta=2.0)
    assert y.is_cuda
    y.sum().backward()
    found(x, beta=2.0).sum().backward()
    np.testing.assert_allclose(there.grad.cpu().numpy(), x.grad.numpy(), rtol=1e-5)


def test_a_wrong_rule_is_found_by_differences():
    with pytest.raises(
        KernelError, match="swish: the rules disagree with differences of the reference in sample 0"
    ):
        make(rule=lambda g, x, beta: g * (x * beta).sigmoid())


@emulated
def test_a_kernel_that_computes_something_else_is_found():
    with pytest.raises(
        KernelError, match=r"the kernel differs from the reference by .*sample 0 of float32"
    ):
        make(SWISH.replace("1 + exp", "2 + exp"))


@emulated
def test_both_faults_are_told_at_once():
    with pytest.raises(KernelError, match=r"(?s)rules disagree.*kernel differs"):
        make(SWISH.replace("1 + exp", "2 + exp"), rule=lambda g, x, beta: g * beta)


@emulated
def test_source_that_does_not_compile_is_an_error_with_the_compilers_words():
    with pytest.raises(KernelError, match="nonsense"):
        make(SWISH.replace("A v", "nonsense v"))


def test_a_source_without_the_kernel_is_an_error_that_names_those_it_has():
    with pytest.raises(KernelError, match=r"no `extern .* void swish\(...\)`, but \['swash'\]"):
        make(SWISH.replace("swish", "swash"))


@emulated
def test_a_name_that_the_kernel_asks_for_and_nobody_knows_is_an_error():
    with pytest.raises(KernelError, match="asks for 'gamma'"):
        make(SWISH.replace("beta", "gamma"))


def test_a_rule_for_no_parameter_is_an_error_of_the_table():
    with pytest.raises(TypeError, match=r"rules for \['z'\]"):
        torch.kernel("swish", SWISH, swish, samples=SAMPLES, z=slope)


@emulated
def test_several_inputs_are_broadcast_and_sizes_asked_for():
    source = """extern "C" __global__ void scaled(const T* x, const T* w, T* out, i64 n, i64 w_size, i64 out_dim1) {
        for (EACH(i, n)) store(out + i, wide(x[i]) * wide(w[i]) + (A)(w_size + out_dim1));
    }"""
    found = torch.kernel(
        "scaled", source, lambda xp, x, w: x * w + (x * w).size + 3,
        samples=[(np.arange(6.0).reshape(2, 3), np.array([1.0, 2, 3])), (np.ones((4, 1)), np.ones((1, 3)))],
        x=lambda g, w: g * w, w=lambda g, x: g * x,
    )  # fmt: skip
    assert found.checked["kernel"].startswith("the reference")


@emulated
def test_a_kernel_may_have_a_block_per_row_and_a_shape_of_its_own():
    source = """extern "C" __global__ void row_sum(const T* x, T* out, i64 x_dim1) {
        __shared__ A shared[32];
        A total = 0;
        for (i64 j = threadIdx.x; j < x_dim1; j += blockDim.x) total += wide(x[blockIdx.x * x_dim1 + j]);
        total = combine<Sum>(total, shared);
        if (threadIdx.x == 0) store(out + blockIdx.x, total);
    }"""
    found = torch.kernel(
        "row_sum", source, lambda xp, x: x.sum(1),
        samples=[(np.random.default_rng(0).standard_normal((3, 100)),)],
        shape=lambda x: x.shape[:1], blocks=lambda x: x.shape[0],
        x=lambda g, x_shape: g[:, None].expand(x_shape),
    )  # fmt: skip
    assert found(torch.ones(2, 7)).tolist() == [7, 7]


def test_tensors_of_two_types_are_refused():
    source = 'extern "C" __global__ void plus(const T* x, const T* w, T* out, i64 n) { for (EACH(i, n)) store(out + i, wide(x[i]) + wide(w[i])); }'
    found = torch.kernel("plus", source, lambda xp, x, w: x + w, samples=[(np.ones(2), np.ones(2))])
    with pytest.raises(TypeError, match="of one type"):
        found(torch.ones(2), torch.ones(2, dtype=torch.float64))
