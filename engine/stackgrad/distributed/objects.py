"""Collective operations on values that are no tensors: what `stackgrad.save` can write.

PyTorch pickles; here values travel in the format of `save`, which cannot carry code.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from stackgrad.distributed import collectives
from stackgrad.distributed.groups import ProcessGroup, current
from stackgrad.ops.creation import from_numpy
from stackgrad.serialize import load, save
from stackgrad.tensor import Tensor


def _packed(value: Any) -> Tensor:
    buffer = io.BytesIO()
    save(value, buffer)
    return from_numpy(np.frombuffer(bytearray(buffer.getvalue()), np.uint8))


def _unpacked(data: Any) -> Any:
    return load(io.BytesIO(data.tobytes()), map_location="cpu")


def _zeros(count: int) -> Tensor:
    return from_numpy(np.zeros(count, np.uint8))


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Write `obj` of rank i into `object_list[i]`."""
    found, own = current(group), _packed(obj)
    sizes = from_numpy(np.zeros(found.size(), np.int64))
    collectives.all_gather_into_tensor(sizes, from_numpy(np.array([own.array.size])), group)
    most = int(sizes.array.max())
    padded, parts = _zeros(most), _zeros(most * found.size())
    padded.array[: own.array.size] = own.array
    collectives.all_gather_into_tensor(parts, padded, group)
    rows = parts.array.reshape(found.size(), most)
    object_list[:] = [
        _unpacked(row[:size]) for row, size in zip(rows, sizes.array.tolist(), strict=True)
    ]


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int = 0,
    group: ProcessGroup | None = None,
) -> None:
    """Write `obj` of rank i into `object_gather_list[i]` of rank `dst`."""
    found: list[Any] = []
    all_gather_object(found, obj, group)
    if current(group).own == dst and object_gather_list is not None:
        object_gather_list[:] = found


def broadcast_object_list(
    object_list: list[Any],
    src: int = 0,
    group: ProcessGroup | None = None,
    device: Any = None,  # noqa: ARG001
) -> None:
    """Replace the values of the list by those of rank `src`."""
    own = current(group).own == src
    data = _packed(object_list) if own else _zeros(0)
    size = from_numpy(np.array([data.array.size]))
    collectives.broadcast(size, src, group)
    if not own:
        data = _zeros(int(size.array[0]))
    collectives.broadcast(data, src, group)
    if not own:
        object_list[:] = _unpacked(data.array)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: Sequence[Any] | None = None,
    src: int = 0,
    group: ProcessGroup | None = None,
) -> None:
    """Write value i of the list of rank `src` into the output list of rank i."""
    found: list[Any] = [list(scatter_object_input_list or ())]
    broadcast_object_list(found, src, group)
    scatter_object_output_list[:] = [found[0][current(group).rank()]]
