from __future__ import annotations

import pytest
import stackgrad as torch
from stackgrad.testing import gradcheck, gradgradcheck


def leaf(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def test_views_share_memory_and_copies_do_not():
    x = torch.zeros(2, 6)
    views = (x[0], x.t(), x.view(3, 4), x.unsqueeze(0), x.chunk(2, 1)[1], x.diagonal())
    for count, view in enumerate(views):
        assert view._base is x
        x.zero_()
        view.add_(1)
        assert x._version == 2 * (count + 1)
        assert x.sum().item() > 0
    assert torch.flip(x, (0,))._base is None


def test_a_write_to_a_view_changes_the_gradient_of_its_base():
    x = torch.ones(3, 3, requires_grad=True)
    y = x * 2
    y[0].mul_(3)
    y.sum().backward()
    assert x.grad.tolist() == [[6.0] * 3, [2.0] * 3, [2.0] * 3]


def test_a_write_to_the_base_changes_the_history_of_older_views():
    x = torch.ones(4, requires_grad=True)
    y = x * 2
    view = y[:2]
    y.mul_(5)
    view.sum().backward()
    assert x.grad.tolist() == [10.0, 10.0, 0.0, 0.0]


def test_a_write_to_one_view_is_seen_by_the_history_of_another():
    x = torch.ones(4, requires_grad=True)
    y = x * 1
    left, middle = y[:2], y[1:3]
    left.mul_(7)
    middle.sum().backward()
    assert x.grad.tolist() == [0.0, 7.0, 1.0, 0.0]


def test_writing_a_tracked_value_into_a_buffer_tracks_the_buffer():
    buffer, x = torch.zeros(3), torch.ones(2, requires_grad=True)
    buffer[:2] = x * 3
    buffer.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_overwritten_elements_get_no_gradient():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y[1] = 0
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 2.0]


def test_a_write_after_saving_is_found_out():
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_a_write_through_a_view_or_a_detached_alias_is_found_out():
    for write in (lambda y: y[0].zero_(), lambda y: y.detach().zero_()):
        y = torch.ones(3, requires_grad=True) * 2
        z = y * y
        write(y)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            z.sum().backward()


def test_data_may_be_written_without_being_found_out():
    x = torch.ones(3, requires_grad=True)
    z = (x * x).sum()
    x.data.mul_(10)
    z.backward()
    assert x.grad.tolist() == [20.0] * 3


def test_a_leaf_that_requires_grad_cannot_be_written_to():
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x[0] = 2
    with torch.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0] * 3


def test_a_result_that_does_not_fit_is_refused():
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.ones(2, dtype=torch.int64).mul_(1.5)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        torch.ones(1).add_(torch.ones(3))


def test_view_refuses_what_reshape_copies():
    x = torch.arange(6).reshape(2, 3).t()
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        x.view(6)
    assert x.reshape(6).tolist() == [0, 3, 1, 4, 2, 5]


def in_place(x):
    y = x * 1
    y[:, 0] *= x[:, 1] + 2
    y.t()[2].add_(x[:, 0])
    y[0].copy_(x[1] * x[2])
    return y


INPLACE_AND_VIEWS = {
    "writes to views": in_place,
    "slices": lambda x: x[1:, ::2] * x[None, 0, :1],
    "fancy index": lambda x: x[[0, 2, 0], :3] * x[:, torch.tensor([1, 1, 0])],
    "masked": lambda x: x[x.detach() > 0] ** 2,
    "permute and reshape": lambda x: x.t().reshape(2, -1).unsqueeze(1) ** 3,
    "diagonal": lambda x: x.diagonal(1) ** 2,
    "unfold": lambda x: x.unfold(1, 2, 1) ** 2,
    "unbind": lambda x: x.unbind(1)[0] * x.unbind(1)[2],
    "split": lambda x: x.split([1, 3], 1)[1] ** 2,
    "expand": lambda x: x[:, :1].expand(3, 4) ** 2,
    "cat and stack": lambda x: torch.cat([x, torch.stack([x[0], x[1]])]) ** 2,
    "flip and roll": lambda x: x.flip(0) * x.roll(1, 1),
    "repeat": lambda x: x.repeat(2, 1, 2) ** 2,
}


@pytest.mark.parametrize("name", INPLACE_AND_VIEWS)
def test_gradients_through_views_are_those_of_the_differences(name):
    torch.manual_seed(0)
    x = leaf(3, 4)
    assert gradcheck(INPLACE_AND_VIEWS[name], (x,))
    assert gradgradcheck(INPLACE_AND_VIEWS[name], (x,), fast_mode=True)


def test_indices_beyond_the_end_are_refused():
    x = torch.zeros(3)
    for key in (3, -4, (0, 0)):
        with pytest.raises(IndexError):
            x[key]
    with pytest.raises(ValueError, match="step must be greater than zero"):
        x[::-1]
