"""Convolution and transposed convolution in one to three dimensions.

Each of the three products that a convolution and its gradients are is linear in both operands,
and its derivatives are the other two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackgrad.amp import lowered
from stackgrad.amp import state as autocast
from stackgrad.kernels.convolution import (
    Geometry,
    channel_sum,
    col2im,
    convolve,
    convolve_input,
    convolve_weight,
    im2col,
)
from stackgrad.nn.functional.padding import pad
from stackgrad.ops.table import Op, publish
from stackgrad.tensor import Tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]

_conv: Op = Op(
    "convolution",
    lambda xp, x, weight, bias, *, geometry: convolve(xp, x, weight, bias, geometry),
    {
        "x": lambda g, x_shape, weight, geometry: _conv_input(
            g, weight, size=x_shape[2:], geometry=geometry
        ),
        "weight": lambda g, x, weight_shape, geometry: _conv_weight(
            g, x, kernel=weight_shape[2:], geometry=geometry
        ),
        "bias": lambda g: _channel_sum(g),  # noqa: PLW0108  (defined below)
    },
)
_channel_sum: Op = Op(
    "channel_sum",
    channel_sum,
    {"h": lambda g, h_shape: g.reshape(-1, *(1,) * (len(h_shape) - 2)).expand(h_shape)},
)
_conv_input: Op = Op(
    "convolution_input",
    lambda xp, h, weight, *, size, geometry: convolve_input(xp, h, weight, size, geometry),
    {
        "h": lambda g, h_shape, weight, geometry: first_of(
            _conv(g, weight, None, geometry=geometry), h_shape
        ),
        "weight": lambda g, h, weight_shape, geometry: _conv_weight(
            h, g, kernel=weight_shape[2:], geometry=geometry
        ),
    },
)
_conv_weight: Op = Op(
    "convolution_weight",
    lambda xp, h, x, *, kernel, geometry: convolve_weight(xp, h, x, kernel, geometry),
    {
        "h": lambda g, x, geometry: _conv(x, g, None, geometry=geometry),
        "x": lambda g, h, x_shape, geometry: _conv_input(h, g, size=x_shape[2:], geometry=geometry),
    },
)


def first_of(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the part of `x` that has `shape`; output padding leaves a rest that nothing reached."""
    return x if x.array.shape == shape else x[tuple(slice(n) for n in shape)]


def sizes(value: Any, count: int) -> tuple[int, ...]:
    """Return one number per dimension."""
    found = (
        tuple(int(v) for v in value) if isinstance(value, (tuple, list)) else (int(value),) * count
    )
    return found * count if len(found) == 1 else found


def _check_channels(input: Tensor, weight: Tensor, channels: int, count: int) -> None:
    if input.array.ndim not in (count + 1, count + 2):
        raise RuntimeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to conv{count}d, "
            f"but got input of size: {list(input.array.shape)}"
        )
    if input.array.shape[-count - 1] != channels:
        raise RuntimeError(
            f"Given weight of size {list(weight.array.shape)}, expected input{list(input.array.shape)} to have "
            f"{channels} channels, but got {input.array.shape[-count - 1]} channels instead"
        )
    if input.array.dtype != weight.array.dtype:
        raise RuntimeError(
            f"Input type ({input.dtype}) and weight type ({weight.dtype}) should be the same"
        )


def _make_conv(count: int) -> Callable[..., Tensor]:
    def conv(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        """Correlate (N, C, ...) with weights (out, C / groups, ...)."""
        if autocast.dtype is not None:
            input, weight, bias = lowered(input, weight, bias)
        _check_channels(input, weight, weight.array.shape[1] * groups, count)
        steps, holes = sizes(stride, count), sizes(dilation, count)
        if padding == "same":
            if any(s != 1 for s in steps):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            reach = [d * (k - 1) for d, k in zip(holes, weight.array.shape[2:], strict=True)]
            if any(r % 2 for r in reach):
                input = pad(input, [w for r in reach[::-1] for w in (r // 2, r - r // 2)])
                reach = [0] * count
            padding = tuple(r // 2 for r in reach)
        elif padding == "valid":
            padding = 0
        geometry = Geometry(steps, sizes(padding, count), holes, groups)
        if input.array.ndim == count + 1:
            return _conv(input.unsqueeze(0), weight, bias, geometry=geometry).squeeze(0)
        return _conv(input, weight, bias, geometry=geometry)

    return publish(f"conv{count}d", conv, method=False)


def _make_transposed(count: int) -> Callable[..., Tensor]:
    def conv_transpose(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:
        """Spread (N, C, ...) by weights (C, out / groups, ...): the gradient of a convolution by its input."""
        if autocast.dtype is not None:
            input, weight, bias = lowered(input, weight, bias)
        _check_channels(input, weight, weight.array.shape[0], count)
        if input.array.ndim == count + 1:
            return conv_transpose(
                input.unsqueeze(0), weight, bias, stride, padding, output_padding, groups, dilation
            ).squeeze(0)
        geometry = Geometry(
            sizes(stride, count), sizes(padding, count), sizes(dilation, count), groups
        )
        extra = sizes(output_padding, count)
        if any(
            e and e >= max(s, d)
            for e, s, d in zip(extra, geometry.stride, geometry.dilation, strict=True)
        ):
            raise RuntimeError("output padding must be smaller than either stride or dilation")
        size = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, k, s, p, d, e in zip(
                input.array.shape[2:],
                weight.array.shape[2:],
                geometry.stride,
                geometry.padding,
                geometry.dilation,
                extra,
                strict=True,
            )
        )
        result = _conv_input(input, weight, size=size, geometry=geometry)
        return result if bias is None else result + bias.reshape(-1, *(1,) * count)

    return publish(f"conv_transpose{count}d", conv_transpose, method=False)


conv1d, conv2d, conv3d = (_make_conv(count) for count in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (
    _make_transposed(count) for count in (1, 2, 3)
)


_unfold: Op = Op(
    "im2col",
    lambda xp, x, *, kernel, geometry: im2col(xp, x, kernel, geometry),
    {
        "x": lambda g, x_shape, kernel, geometry: _fold(
            g, size=x_shape[2:], kernel=kernel, geometry=geometry
        )
    },
)
_fold: Op = Op(
    "col2im",
    lambda xp, x, *, size, kernel, geometry: col2im(xp, x, size, kernel, geometry),
    {"x": lambda g, kernel, geometry: _unfold(g, kernel=kernel, geometry=geometry)},
)


def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Return the windows of (N, C, H, W) as columns (N, C * kernel, positions)."""
    geometry = Geometry(sizes(stride, 2), sizes(padding, 2), sizes(dilation, 2), 1)
    if input.array.ndim == 3:
        return unfold(input.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0)
    return _unfold(input, kernel=sizes(kernel_size, 2), geometry=geometry)


def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Add columns (N, C * kernel, positions) back into images (N, C, H, W)."""
    geometry = Geometry(sizes(stride, 2), sizes(padding, 2), sizes(dilation, 2), 1)
    if input.array.ndim == 2:
        return fold(
            input.unsqueeze(0), output_size, kernel_size, dilation, padding, stride
        ).squeeze(0)
    return _fold(input, size=sizes(output_size, 2), kernel=sizes(kernel_size, 2), geometry=geometry)
