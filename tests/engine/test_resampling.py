from __future__ import annotations

import pytest
import stackgrad as torch
from stackgrad.testing import gradcheck, gradgradcheck

F = torch.nn.functional


def noise(*shape, seed=0):
    torch.manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()


RESIZED = {
    "nearest": {"scale_factor": 2},
    "nearest-exact": {"size": (3, 7)},
    "bilinear": {"size": (7, 3)},
    "bicubic": {"scale_factor": 1.5, "align_corners": True},
    "area": {"size": (2, 2)},
}


@pytest.mark.parametrize("mode", RESIZED)
def test_resizing_has_right_derivatives(mode):
    x = noise(1, 2, 4, 5)
    assert gradcheck(lambda x: F.interpolate(x, mode=mode, **RESIZED[mode]), (x,))
    square = lambda x: F.interpolate(x, mode=mode, **RESIZED[mode]) ** 2  # noqa: E731
    assert gradgradcheck(square, (x,), fast_mode=True)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_looking_up_has_right_derivatives_by_image_and_grid(mode, padding):
    image, grid = noise(1, 2, 4, 4), noise(1, 3, 3, 2, seed=1)

    def look(image, grid):
        return F.grid_sample(image, grid * 0.7, mode, padding, align_corners=False)

    assert gradcheck(look, (image, grid), atol=1e-4)
    assert gradgradcheck(look, (image, grid), fast_mode=True, atol=1e-3)


def test_pixels_are_shuffled_there_and_back():
    x = noise(2, 8, 3, 3)
    assert torch.equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), x)
    assert torch.equal(F.channel_shuffle(F.channel_shuffle(x, 2), 4), x)


def test_unpooling_puts_maxima_where_they_were():
    x = torch.tensor([[[[1.0, 2.0], [4.0, 3.0]]]])
    top, place = F.max_pool2d(x, 2, return_indices=True)
    assert F.max_unpool2d(top, place, 2).tolist() == [[[[0.0, 0.0], [4.0, 0.0]]]]


def test_alignment_has_right_derivatives_through_log_softmax():
    x = noise(6, 2, 4)

    def loss(x):
        logs = F.log_softmax(x, -1)
        return F.ctc_loss(logs, torch.tensor([[1, 2], [3, 3]]), [6, 5], [2, 2], reduction="sum")

    assert gradcheck(loss, (x,))
    assert gradgradcheck(loss, (x,), fast_mode=True)
    impossible = F.ctc_loss(x[:2], torch.tensor([[1, 1]] * 2), [2, 2], [2, 2], reduction="none")
    assert impossible.tolist() == [float("inf")] * 2


@pytest.mark.parametrize("name", ["lgamma", "digamma", "copysign", "logaddexp2", "erfinv"])
def test_special_functions_have_right_derivatives(name):
    x = (noise(3, 4).detach().abs() * 0.2 + 0.1).requires_grad_()
    call = getattr(torch, name)
    function = (lambda x: call(x, x * 2)) if name in ("copysign", "logaddexp2") else call
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,), fast_mode=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.quantile(0.3, 1),
        lambda x: x.cummax(1).values,
        lambda x: x.diff(n=2, dim=1),
        lambda x: torch.trapezoid(x, dim=1),
        lambda x: x.cov(),
        lambda x: x.renorm(2, 0, 1.0),
        lambda x: torch.cdist(x, x[:2] + 1),
        lambda x: torch.polygamma(2, x.abs() + 1),
        lambda x: x.nanmean(1),
        lambda x: x.rot90(),
    ],
)
def test_what_describes_samples_has_right_derivatives(function):
    assert gradcheck(function, (noise(3, 5, seed=3),), atol=1e-4)
