"""Files of named tensors that can hold nothing else: the safetensors format.

Eight bytes with the length of a JSON header, the header, and the elements without gaps
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.device import Device
from stackgrad.tensor import Tensor, wrap

__all__ = ["SafetensorError", "load", "load_file", "read_metadata", "save", "save_file"]

_KINDS = {
    "BOOL": dtypes.bool_,
    "U8": dtypes.uint8,
    "I8": dtypes.int8,
    "I16": dtypes.int16,
    "I32": dtypes.int32,
    "I64": dtypes.int64,
    "F16": dtypes.float16,
    "BF16": dtypes.bfloat16,
    "F32": dtypes.float32,
    "F64": dtypes.float64,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_LONGEST = 100_000_000  # bytes of a header, the format's own limit


class SafetensorError(ValueError):
    """A file that is not of the format, with what is wrong."""


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the file's content; the largest element types come first, so that all lie aligned."""
    head, body = _arrange(tensors, metadata)
    return b"".join([head, *(array.tobytes() for array in body)])


def save_file(
    tensors: Mapping[str, Tensor],
    filename: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named tensors; TypeError for anything else."""
    head, body = _arrange(tensors, metadata)
    with Path(filename).open("wb") as file:
        file.write(head)
        file.writelines(array.reshape(-1).view(np.uint8).data for array in body if array.size)


def _arrange(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None
) -> tuple[bytes, list[Any]]:
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"safetensors: {name!r} is a {type(tensor).__name__}, not a tensor")
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].array.itemsize, item[0]))
    body, place = [], 0
    for name, tensor in ordered:
        array = np.ascontiguousarray(tensor.detach().cpu().array).reshape(tensor.array.shape)
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(array.shape),
            "data_offsets": [place, place + array.nbytes],
        }
        body.append(array)
        place += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, body


def load(data: bytes, device: Any = "cpu") -> dict[str, Tensor]:
    """Return the tensors in a file's content."""
    return _read(bytearray(data), Device(device))


def load_file(filename: str | os.PathLike[str], device: Any = "cpu") -> dict[str, Tensor]:
    """Return the tensors of a file; on the CPU they are pages of it, private to this process.

    Raises SafetensorError, naming the file and the fault, for anything but a whole file of the format.
    """
    with Path(filename).open("rb") as file:
        try:
            pages: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except ValueError as error:
            raise SafetensorError(f"{filename}: an empty file") from error
    try:
        return _read(pages, Device(device))
    except SafetensorError as error:
        raise SafetensorError(f"{filename}: {error}") from error


def read_metadata(filename: str | os.PathLike[str]) -> dict[str, str]:
    """Return the texts that a file carries beside its tensors."""
    with Path(filename).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        found: dict[str, str] = _parse(file.read(min(length, _LONGEST))).get("__metadata__", {})
    return found


def _parse(text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise SafetensorError("a name comes twice in the header")
        return found

    try:
        header = json.loads(text.decode(), object_pairs_hook=unique)
    except ValueError as error:
        if isinstance(error, SafetensorError):
            raise
        raise SafetensorError(f"the header is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise SafetensorError("the header is no JSON object")
    return header


def _read(data: Any, device: Device) -> dict[str, Tensor]:
    if len(data) < 8:
        raise SafetensorError("shorter than the eight bytes that every file begins with")
    length = int.from_bytes(data[:8], "little")
    if length > min(_LONGEST, len(data) - 8):
        raise SafetensorError(f"a header of {length} bytes in a file of {len(data)}")
    header = _parse(bytes(data[8 : 8 + length]))
    header.pop("__metadata__", None)
    elements = np.frombuffer(data, np.uint8)[8 + length :]
    found, ends = {}, 0
    for name, entry in sorted(header.items(), key=_start):
        kind, shape, start, end = _checked(name, entry)
        if start != ends:
            raise SafetensorError(
                f"{name!r} begins at byte {start}, not where the last ended, at {ends}"
            )
        if end > elements.size:
            raise SafetensorError(
                f"{name!r} ends at byte {end} of {elements.size}: the file is cut off"
            )
        ends = end
        array = elements[start:end].view(kind.numpy).reshape(shape)
        found[name] = wrap(device.asarray(array), device)
    if ends != elements.size:
        raise SafetensorError(f"{elements.size - ends} bytes at the end belong to no tensor")
    return {name: found[name] for name in header}


def _start(item: tuple[str, Any]) -> Any:
    entry = item[1]
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    fits = isinstance(offsets, list) and len(offsets) == 2 and all(type(v) is int for v in offsets)
    return tuple(offsets) if fits and offsets is not None else (-1, -1)


def _checked(name: str, entry: Any) -> tuple[dtypes.dtype, list[int], int, int]:
    start, end = _start((name, entry))
    if start < 0:
        raise SafetensorError(f"{name!r} has no two data_offsets")
    kind, shape = _KINDS.get(str(entry.get("dtype"))), entry.get("shape")
    if kind is None:
        raise SafetensorError(
            f"{name!r} is of the type {entry.get('dtype')!r}, which the engine has not"
        )
    if not isinstance(shape, list) or any(type(n) is not int or n < 0 for n in shape):
        raise SafetensorError(f"{name!r} has the shape {shape!r}")
    if end - start != math.prod(shape) * kind.itemsize:
        raise SafetensorError(f"{name!r} has {end - start} bytes for {shape} of {kind.name}")
    return kind, shape, start, end
