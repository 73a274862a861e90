# ruff: noqa: ARG004  (signatures are given by what calls them)
from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import stackgrad as torch
from stackgrad.autograd import Function
from stackgrad.testing import gradcheck, gradgradcheck


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_a_leaf_used_twice_gets_the_sum_of_its_gradients():
    x = leaf(1.0, 2.0)
    (x * x + 3 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_gradients_of_two_backward_passes_add_up():
    x = leaf(2.0)
    for _ in range(2):
        (x * x).sum().backward()
    assert x.grad.tolist() == [8.0]


def test_the_gradients_of_two_leaves_of_one_sum_do_not_share_memory():
    x, y = leaf(1.0), leaf(1.0)
    (x + y).sum().backward()
    x.grad.mul_(5)
    assert (x.grad.item(), y.grad.item()) == (5.0, 1.0)


def test_a_gradient_given_by_the_user_is_not_kept_by_the_leaf():
    x, seed = leaf(1.0), torch.ones(1, dtype=torch.float64)
    x.backward(seed)
    seed.fill_(9)
    assert x.grad.item() == 1.0


def test_broadcast_operands_get_gradients_of_their_own_shapes():
    x, y = torch.ones(3, 1, requires_grad=True), torch.ones(1, 4, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.tolist() == [[4.0]] * 3
    assert y.grad.tolist() == [[3.0] * 4]


def test_a_gradient_has_the_dtype_of_its_leaf():
    x, y = torch.ones(2, dtype=torch.float16, requires_grad=True), leaf(1.0, 2.0)
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (torch.float16, torch.float64)


def test_third_derivatives_are_right():
    x = leaf(2.0)
    y = x.pow(4).sum()
    for expected in (32.0, 48.0, 48.0):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected)
        y = y.sum()


def test_grad_leaves_the_grad_attribute_alone():
    x = leaf(1.0)
    (g,) = torch.autograd.grad((x * 3).sum(), x)
    assert g.item() == 3.0
    assert x.grad is None


def test_grad_of_an_inner_tensor_runs_only_what_leads_to_it():
    x = leaf(2.0)
    middle = x * x
    calls = []
    x.register_hook(calls.append)
    (g,) = torch.autograd.grad((middle * 5).sum(), middle)
    assert g.item() == 5.0
    assert calls == []


def test_grad_refuses_a_tensor_that_was_not_used():
    x, y = leaf(1.0), leaf(1.0)
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(x.sum(), y)
    assert torch.autograd.grad(x.sum(), y, allow_unused=True) == (None,)


def test_a_second_backward_through_a_freed_graph_is_refused():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_a_retained_graph_can_be_run_again():
    x = leaf(3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12.0


def test_a_non_scalar_needs_a_gradient():
    with pytest.raises(RuntimeError, match="scalar outputs"):
        leaf(1.0, 2.0).backward()


def test_a_chain_of_100_000_operations_does_not_recurse():
    x = y = leaf(1.0)
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.item() == 1.0


def test_nothing_is_recorded_without_grad():
    x = leaf(1.0)
    with torch.no_grad():
        y = x * 2
        with torch.enable_grad():
            z = x * 2
    assert (y.requires_grad, z.requires_grad) == (False, True)


def test_no_grad_decorates_functions_and_generators():
    @torch.no_grad()
    def double(x):
        return x * 2

    @torch.no_grad()
    def doubles(x):
        yield x * 2

    x = leaf(1.0)
    assert not double(x).requires_grad
    assert not next(doubles(x)).requires_grad
    assert torch.is_grad_enabled()


def test_hooks_see_and_change_gradients():
    x = leaf(1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    y.register_hook(lambda g: g * 10)
    handle = x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert seen == [1.0]
    assert x.grad.item() == 21.0
    handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.item() == 2.0


def test_retain_grad_keeps_the_gradient_of_an_inner_tensor():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    (y * 3).sum().backward()
    assert y.grad.item() == 3.0


def test_a_hook_after_accumulation_sees_the_whole_gradient():
    x = leaf(1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.item()))
    (x + x).sum().backward()
    assert seen == [2.0]


def test_a_graph_is_freed_without_the_cycle_collector():
    gc.disable()
    try:
        x = leaf(1.0)
        y = (x.exp() * x.sigmoid()).sum()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_anomaly_detection_names_the_line_of_the_first_nan():
    x = leaf(-1.0)
    with torch.autograd.detect_anomaly():
        y = x.sqrt()  # here
        with pytest.raises(RuntimeError, match="SqrtBackward0") as caught:
            y.sum().backward()
    assert "y = x.sqrt()  # here" in str(caught.value)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


def test_a_function_of_the_user_is_differentiable_twice():
    x = leaf(0.5, -2.0)
    assert gradcheck(Cube.apply, (x,))
    assert gradgradcheck(Cube.apply, (x,))


def test_a_function_may_have_several_outputs_of_which_one_is_used():
    class Split(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            return a * 2 + b * 3

    x = leaf(1.0)
    Split.apply(x)[1].sum().backward()
    assert x.grad.item() == 3.0


def test_a_function_that_keeps_its_output_is_freed_at_once():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    x = leaf(0.3)
    assert gradcheck(Exp.apply, (x,))
    assert gradgradcheck(Exp.apply, (x,))
    gc.disable()
    try:
        y = Exp.apply(x)
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_integers_cannot_require_gradients():
    with pytest.raises(RuntimeError, match="floating point"):
        torch.ones(2, dtype=torch.int64).requires_grad_()


def test_gradcheck_finds_a_wrong_gradient():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(Wrong.apply, (leaf(1.0),))
    assert not gradcheck(Wrong.apply, (leaf(1.0),), raise_exception=False)


def test_numpy_operands_leave_the_operator_to_the_tensor():
    x = leaf(1.0, 2.0)
    y = np.float64(3.0) * x
    assert isinstance(y, torch.Tensor)
    assert y.requires_grad
