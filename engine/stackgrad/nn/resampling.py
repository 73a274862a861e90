"""Layers that change the size of images."""

from __future__ import annotations

from typing import Any

from stackgrad.nn import functional as F  # noqa: N812  (its name everywhere)
from stackgrad.nn.module import Module
from stackgrad.tensor import Tensor

__all__ = [
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]


class Upsample(Module):
    """`functional.interpolate` with fixed settings."""

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor
        several = isinstance(scale_factor, tuple)
        self.scale_factor = (
            tuple(float(f) for f in scale_factor)
            if several
            else float(scale_factor)
            if scale_factor
            else None
        )

    def forward(self, input: Tensor) -> Tensor:
        """Resize (N, C, ...)."""
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        """Return the settings."""
        size = (
            f"size={self.size}"
            if self.scale_factor is None
            else f"scale_factor={self.scale_factor}"
        )
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resizing by the nearest pixels."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Bilinear resizing, corner on corner."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class _MaxUnpool(Module):
    dims = 1

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()

        def several(value: Any) -> tuple[int, ...]:
            return (value,) * self.dims if isinstance(value, int) else tuple(value)

        self.kernel_size, self.padding = several(kernel_size), several(padding)
        self.stride = self.kernel_size if stride is None else several(stride)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        """Put each maximum back to its place."""
        unpool: Any = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self.dims - 1]
        found: Tensor = unpool(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )
        return found

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The way back from `MaxPool1d`."""

    dims = 1


class MaxUnpool2d(_MaxUnpool):
    """The way back from `MaxPool2d`."""

    dims = 2


class MaxUnpool3d(_MaxUnpool):
    """The way back from `MaxPool3d`."""

    dims = 3
