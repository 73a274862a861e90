from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from stackcheck.smoke.stages.convolution import convolve


def shape(**settings):
    return SimpleNamespace(
        **{"kernel": 3, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, **settings}
    )


def written_out(images, weights, settings):
    """One output at a time, as the textbooks write it."""
    batch, _, height, width = images.shape
    filters, per_group, kernel, _ = weights.shape
    reach = settings.dilation * (kernel - 1)
    high = (height + 2 * settings.padding - reach - 1) // settings.stride + 1
    wide = (width + 2 * settings.padding - reach - 1) // settings.stride + 1
    result = np.zeros((batch, filters, high, wide))
    for b, f, y, x in np.ndindex(*result.shape):
        first = f // (filters // settings.groups) * per_group
        for c, down, across in np.ndindex(per_group, kernel, kernel):
            row = y * settings.stride + down * settings.dilation - settings.padding
            column = x * settings.stride + across * settings.dilation - settings.padding
            if 0 <= row < height and 0 <= column < width:
                result[b, f, y, x] += (
                    images[b, first + c, row, column] * weights[f, c, down, across]
                )
    return result


@pytest.mark.parametrize(
    "settings",
    [shape(), shape(stride=2, padding=1), shape(dilation=2, padding=2), shape(groups=2, padding=1)],
    ids=["plain", "stride", "dilation", "groups"],
)
def test_the_reference_is_the_textbooks_convolution_and_its_gradients_are_its_transposes(settings):
    random = np.random.default_rng(1)
    images = random.standard_normal((2, 4, 7, 6))
    weights = random.standard_normal((4, 4 // settings.groups, 3, 3))
    exact = written_out(images, weights, settings)
    cotangent = random.standard_normal(exact.shape)
    result, image_gradient, weight_gradient = convolve(images, weights, cotangent, settings)
    np.testing.assert_allclose(result, exact, atol=1e-12)
    # linear in each argument: <c, conv(x, w)> is <gradient of x, x> and <gradient of w, w>
    inner = (cotangent * exact).sum()
    np.testing.assert_allclose(
        [(image_gradient * images).sum(), (weight_gradient * weights).sum()], inner
    )
