"""The three products of a convolution by oneDNN, in float32 on the arrays of one thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad.arrays import Array
from stackgrad.libraries.onednn import library
from stackgrad.libraries.primitives import (
    Operand,
    Primitive,
    cached,
    described,
    row_major,
    thread,
    whole_numbers,
)

_TRAINING, _DIRECT = 64, 1  # dnnl_forward_training, dnnl_convolution_direct
_SOURCE, _WEIGHTS, _RESULT = 129, 131, 133  # dnnl_query_src_md and its kin
_SLOPE_SOURCE, _SLOPE_WEIGHTS, _SLOPE_RESULT = 130, 132, 134
_IN_CACHE = 4 << 20  # bytes of images that are worked on at a time


def suits(x: Array, w: Array) -> bool:
    """Whether oneDNN is there and takes these arrays."""
    return (
        x.dtype == np.float32
        and w.dtype == np.float32
        and x.size > 0
        and 3 <= x.ndim <= 5
        and library() is not None
    )


class _Convolution:
    """The primitives of one convolution: images in, weights, images out."""

    def __init__(
        self,
        kind: str,
        x: tuple[int, ...],
        w: tuple[int, ...],
        y: tuple[int, ...],
        geometry: Any,
        bias: bool,
    ) -> None:
        groups, engine = geometry.groups, thread().engine
        grouped = w if groups == 1 else (groups, w[0] // groups, *w[1:])
        source, weights, result = described(x), described(grouped), described(y)
        shift = row_major((w[0],)) if bias else None
        moves = [
            whole_numbers(geometry.stride),
            whole_numbers([d - 1 for d in geometry.dilation]),
            *[whole_numbers(geometry.padding)] * 2,
        ]
        forward = Primitive(
            "dnnl_convolution_forward_primitive_desc_create",
            *(engine, _TRAINING, _DIRECT, source, weights, shift, result, *moves, None),
        )
        hint = (*moves, forward.description, None)
        if kind == "forward":
            self.primitive = forward
            self.operands = {
                1: Operand(row_major(x), forward.wanted(_SOURCE)),
                33: Operand(row_major(grouped), forward.wanted(_WEIGHTS)),
                17: Operand(row_major(y), forward.wanted(_RESULT), result=True),
            }
            if shift is not None:
                self.operands[41] = Operand(row_major((w[0],)), shift)
        elif kind == "input":
            self.primitive = backward = Primitive(
                "dnnl_convolution_backward_data_primitive_desc_create",
                *(engine, _DIRECT, source, weights, result, *hint),
            )
            self.operands = {
                145: Operand(row_major(y), backward.wanted(_SLOPE_RESULT)),
                33: Operand(row_major(grouped), backward.wanted(_WEIGHTS)),
                129: Operand(row_major(x), backward.wanted(_SLOPE_SOURCE), result=True),
            }
        else:
            self.primitive = backward = Primitive(
                "dnnl_convolution_backward_weights_primitive_desc_create",
                *(engine, _DIRECT, source, weights, None, result, *hint),
            )
            self.operands = {
                1: Operand(row_major(x), backward.wanted(_SOURCE)),
                145: Operand(row_major(y), backward.wanted(_SLOPE_RESULT)),
                161: Operand(row_major(grouped), backward.wanted(_SLOPE_WEIGHTS), result=True),
            }

    def run(self, arrays: dict[int, Array]) -> None:
        """Compute on row-major arrays by argument number."""
        rooms = [self.operands[number].enter(array) for number, array in arrays.items()]
        self.primitive.run({number: operand.inner for number, operand in self.operands.items()})
        for operand in self.operands.values():
            operand.leave()
        del rooms


def _made(kind: str, x: Any, w: Any, y: Any, geometry: Any, bias: bool) -> _Convolution:
    return cached(
        (kind, x, w, y, geometry, bias), lambda: _Convolution(kind, x, w, y, geometry, bias)
    )


def _blocks(x: Array, y: Array) -> list[slice]:
    """Return slices of images that fit into the cache together."""
    each = (x[:1].size + y[:1].size) * 4
    step = max(_IN_CACHE // max(each, 1), 1)
    return [slice(i, min(i + step, x.shape[0])) for i in range(0, x.shape[0], step)]


def forward(x: Array, w: Array, bias: Array | None, geometry: Any, out: Array) -> None:
    """Write the convolution of images x with w into `out`; all row-major."""
    for part in _blocks(x, out):
        images, result = x[part], out[part]
        made = _made("forward", images.shape, w.shape, result.shape, geometry, bias is not None)
        arrays = {1: images, 33: w, 17: result}
        made.run(arrays if bias is None else {**arrays, 41: bias})


def by_input(g: Array, w: Array, geometry: Any, out: Array) -> None:
    """Write the gradient by the images into `out`, g being that of the result."""
    for part in _blocks(out, g):
        images, slopes = out[part], g[part]
        made = _made("input", images.shape, w.shape, slopes.shape, geometry, False)
        made.run({129: images, 33: w, 145: slopes})


def by_weight(g: Array, x: Array, geometry: Any, out: Array) -> None:
    """Write the gradient by the weights into `out`."""
    made = _made("weight", x.shape, out.shape, g.shape, geometry, False)
    made.run({1: x, 145: g, 161: out})
