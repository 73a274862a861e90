"""Convolution layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from stackgrad.nn import functional as F  # noqa: N812  (its name everywhere)
from stackgrad.nn import init
from stackgrad.nn.functional.convolution import sizes
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.ops.creation import empty
from stackgrad.tensor import Tensor

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Fold",
    "Unfold",
]


class _Conv(Module):
    """What all convolutions share; `dimensions` is set by the subclasses."""

    dimensions = 0
    transposed = False

    def __init__(  # noqa: PLR0917
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ValueError("in_channels and out_channels must be divisible by groups")
        count = self.dimensions
        self.in_channels, self.out_channels, self.groups, self.padding_mode = (
            in_channels,
            out_channels,
            groups,
            padding_mode,
        )
        self.kernel_size, self.stride, self.dilation = (
            sizes(v, count) for v in (kernel_size, stride, dilation)
        )
        self.padding = padding if isinstance(padding, str) else sizes(padding, count)
        outer, inner = (
            (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        )
        self.weight = Parameter(
            empty(outer, inner // groups, *self.kernel_size, device=device, dtype=dtype)
        )
        self.register_parameter(
            "bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases from within 1 / sqrt(fan in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(init._fans(self.weight)[0])  # noqa: SLF001
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Return the sizes."""
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        ]
        if self.padding != (0,) * self.dimensions:
            parts.append(f"padding={self.padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        return ", ".join(parts)


class _Forward(_Conv):
    _conv: Callable[..., Tensor]

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, ...) to (N, out_channels, ...)."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, [p for p in padding[::-1] for _ in (0, 1)], self.padding_mode)
            padding = 0
        return type(self)._conv(  # noqa: SLF001
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class _Transposed(_Conv):
    transposed = True
    _conv: Callable[..., Tensor]

    def __init__(  # noqa: PLR0917
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )
        self.output_padding = sizes(output_padding, self.dimensions)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Map (N, in_channels, ...) to (N, out_channels, ...); `output_size` settles what the stride leaves open."""
        extra = self.output_padding
        if output_size is not None:
            wanted = tuple(output_size)[-self.dimensions :]
            shapes = zip(
                wanted,
                input.array.shape[2:],
                self.stride,
                self.padding,
                self.dilation,
                self.kernel_size,
                strict=True,
            )
            extra = tuple(
                o - ((n - 1) * s - 2 * p + d * (k - 1) + 1) for o, n, s, p, d, k in shapes
            )
        return type(self)._conv(  # noqa: SLF001
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )


class Conv1d(_Forward):
    """Convolution over one dimension."""

    dimensions, _conv = 1, staticmethod(F.conv1d)


class Conv2d(_Forward):
    """Convolution over two dimensions."""

    dimensions, _conv = 2, staticmethod(F.conv2d)


class Conv3d(_Forward):
    """Convolution over three dimensions."""

    dimensions, _conv = 3, staticmethod(F.conv3d)


class ConvTranspose1d(_Transposed):
    """Transposed convolution over one dimension."""

    dimensions, _conv = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_Transposed):
    """Transposed convolution over two dimensions."""

    dimensions, _conv = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_Transposed):
    """Transposed convolution over three dimensions."""

    dimensions, _conv = 3, staticmethod(F.conv_transpose3d)


class Unfold(Module):
    """Windows of images as columns."""

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.options = (kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C * kernel, positions)."""
        return F.unfold(input, *self.options)


class Fold(Module):
    """Columns added back into images."""

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__()
        self.options = (output_size, kernel_size, dilation, padding, stride)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, C * kernel, positions) to (N, C, H, W)."""
        return F.fold(input, *self.options)
