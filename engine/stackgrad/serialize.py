"""Saving and loading in PyTorch's file format: a zip of one pickle and one raw file per storage.

Reading is safe: the pickle may name tensors, storages and a handful of harmless types and nothing
else, so that no file can run code.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from stackgrad import dtypes
from stackgrad.device import Device
from stackgrad.layout import Size
from stackgrad.nn.parameter import Parameter
from stackgrad.tensor import Tensor, wrap

_STORAGES = {
    "FloatStorage": dtypes.float32,
    "DoubleStorage": dtypes.float64,
    "HalfStorage": dtypes.float16,
    "BFloat16Storage": dtypes.bfloat16,
    "LongStorage": dtypes.int64,
    "IntStorage": dtypes.int32,
    "ShortStorage": dtypes.int16,
    "CharStorage": dtypes.int8,
    "ByteStorage": dtypes.uint8,
    "BoolStorage": dtypes.bool_,
}
_NAMES = {kind: name for name, kind in _STORAGES.items()}


class UnpicklingError(pickle.UnpicklingError):
    """A file that holds what may not be loaded, or is no such file."""


def save(obj: Any, f: Any) -> None:
    """Write tensors, numbers, texts, lists, tuples and dictionaries so that PyTorch can read them, too.

    Raises TypeError for anything else.
    """
    writer = _Writer(_shared_memory(obj))
    writer.write(obj)
    with zipfile.ZipFile(f, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"".join(writer.out) + b".")
        archive.writestr("archive/byteorder", "little")
        for number, array in enumerate(writer.storages):
            archive.writestr(f"archive/data/{number}", array.tobytes())
        archive.writestr("archive/version", "3\n")


class _Place(NamedTuple):
    """Where a tensor lies: in which memory, from which element on, with which strides in elements."""

    memory: Any
    offset: int
    strides: tuple[int, ...]


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps = np.cumprod((1, *shape[:0:-1]), dtype=np.int64)[::-1]
    return tuple(int(step) for step in steps)[: len(shape)]


def _shared_memory(obj: Any) -> dict[int, _Place]:
    """Return the place of every array in `obj`, by its `id`, whose memory another one uses, too.

    Such arrays are written once, as the region that they cover, and are one again when loaded.
    """
    owners: dict[int, dict[int, Any]] = {}
    for tensor in _tensors_in(obj):
        array = tensor.array
        if tensor.device.type == "cpu" and array.size and min(array.strides, default=0) >= 0:
            owner = array
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            owners.setdefault(id(owner), {})[id(array)] = array
    found: dict[int, _Place] = {}
    for arrays in owners.values():
        group = sorted(arrays.values(), key=lambda a: _bounds(a)[0])
        while group:
            region = [group.pop(0)]
            end = _bounds(region[0])[1]
            while group and _bounds(group[0])[0] < end:
                region.append(group.pop(0))
                end = max(end, _bounds(region[-1])[1])
            if len(region) > 1 and len({a.dtype for a in region}) == 1:
                found.update(_places(region, end))
    return found


def _places(region: list[Any], end: int) -> dict[int, _Place]:
    first = region[0]
    start, size = _bounds(first)[0], first.itemsize
    memory = np.lib.stride_tricks.as_strided(first, ((end - start) // size,), (size,))
    places = {}
    for array in region:
        offset = _bounds(array)[0] - start
        if offset % size or any(step % size for step in array.strides):
            return {}
        places[id(array)] = _Place(memory, offset // size, tuple(s // size for s in array.strides))
    return places


def _bounds(array: Any) -> tuple[int, int]:
    """Return the addresses of the first byte and of that after the last; no stride is negative."""
    start = int(array.__array_interface__["data"][0])
    reach = sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True))
    return start, start + reach + array.itemsize


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors_in(part)


class _Writer:
    """Writes the pickle opcodes themselves, so that PyTorch's names need not be importable."""

    def __init__(self, shared: dict[int, _Place]) -> None:
        self.out: list[bytes] = []
        self.storages: list[Any] = []
        self.known: dict[int, int] = {}
        self.shared = shared
        self.kept: list[Any] = []  # so that no other array gets the `id` of one

    def write(self, value: Any) -> None:  # noqa: C901
        """Append the opcodes that build `value`."""
        if isinstance(value, Tensor):
            self._tensor(value)
        elif value is None or isinstance(value, bool):
            self.out.append({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif isinstance(value, Size):
            self._call("torch", "Size", (tuple(value),))
        elif isinstance(value, Device):
            self._call("torch", "device", (str(value),))
        elif isinstance(value, dtypes.dtype):
            self._global("torch", value.name)
        elif isinstance(value, (int, np.integer)):
            self._int(int(value))
        elif isinstance(value, (float, np.floating)):
            self.out.append(b"G" + struct.pack(">d", float(value)))
        elif isinstance(value, str):
            text = value.encode("utf-8", "surrogatepass")
            self.out.append(b"X" + struct.pack("<I", len(text)) + text)
        elif isinstance(value, (list, tuple)):
            self._sequence(value)
        elif isinstance(value, dict):
            self._dictionary(value)
        else:
            raise TypeError(
                f"stackgrad.save: cannot save a {type(value).__name__}; save its state_dict() instead"
            )

    def _int(self, value: int) -> None:
        if -(2**31) <= value < 2**31:
            self.out.append(b"J" + struct.pack("<i", value))
            return
        body = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        if len(body) > 255:
            raise TypeError("stackgrad.save: a whole number of more than 255 bytes")
        self.out.append(b"\x8a" + bytes([len(body)]) + body)

    def _sequence(self, value: Any) -> None:
        self.out.append(b"](" if isinstance(value, list) else b"(")
        for item in value:
            self.write(item)
        self.out.append(b"e" if isinstance(value, list) else b"t")

    def _dictionary(self, value: dict[Any, Any]) -> None:
        if isinstance(value, OrderedDict):
            self._call("collections", "OrderedDict", ())
            self.out.append(b"(")
        else:
            self.out.append(b"}(")
        for key, item in value.items():
            self.write(key)
            self.write(item)
        self.out.append(b"u")

    def _global(self, module: str, name: str) -> None:
        self.out.append(f"c{module}\n{name}\n".encode())

    def _call(self, module: str, name: str, arguments: tuple[Any, ...]) -> None:
        self._global(module, name)
        self.write(arguments)
        self.out.append(b"R")

    def _tensor(self, tensor: Tensor) -> None:
        array = tensor.device.xp.asnumpy(tensor.array) if tensor.is_cuda else tensor.array
        place = self.shared.get(id(tensor.array))
        if place is None:
            place = _Place(array, 0, _steps(array.shape))
        key = id(place.memory)
        if key not in self.known:
            self.known[key] = len(self.storages)
            self.storages.append(np.ascontiguousarray(place.memory))
            self.kept.append(place.memory)
        if isinstance(tensor, Parameter):
            self._global("torch._utils", "_rebuild_parameter")
            self.out.append(b"(")
        self._global("torch._utils", "_rebuild_tensor_v2")
        self.out.append(b"((")
        self.write("storage")
        self._global("torch", _NAMES[tensor.dtype])
        self.write(str(self.known[key]))
        self.write(str(tensor.device))
        self.write(int(place.memory.size))
        self.out.append(b"tQ")
        self.write(place.offset)
        self.write(tuple(array.shape))
        self.write(place.strides)
        self.write(tensor.requires_grad)
        self._call("collections", "OrderedDict", ())
        self.out.append(b"tR")
        if isinstance(tensor, Parameter):
            self.write(tensor.requires_grad)
            self._call("collections", "OrderedDict", ())
            self.out.append(b"tR")


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """Return what a file of `save`, or of PyTorch's, holds.

    Raises UnpicklingError where the file names anything but tensors and plain values. There is no unsafe
    mode: `weights_only=False` allows what is not needed for files without such names. `mmap` is about how
    PyTorch reads; what is read is the same.
    """
    del weights_only, mmap
    if pickle_module is not None:
        raise NotImplementedError("load(pickle_module=) is not implemented in stackgrad")
    try:
        archive = zipfile.ZipFile(f)
    except zipfile.BadZipFile as error:
        raise UnpicklingError(
            f"{f}: not a zip file; PyTorch's format before 1.6 is not read"
        ) from error
    with archive:
        try:
            name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
        except StopIteration:
            raise UnpicklingError(f"{f}: holds no data.pkl") from None
        root = name.rpartition("/")[0]
        if (
            f"{root}/byteorder" in archive.namelist()
            and archive.read(f"{root}/byteorder") != b"little"
        ):
            raise UnpicklingError(f"{f}: written on a machine of the other byte order")
        reader = _Reader(io.BytesIO(archive.read(name)), archive, root, map_location)
        return reader.load()


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, archive: zipfile.ZipFile, root: str, map_location: Any) -> None:
        super().__init__(file, encoding="utf-8")
        self.archive, self.root, self.map_location = archive, root, map_location
        self.storages: dict[str, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few types that may be named."""
        found = _ALLOWED.get((module, name))
        if found is not None:
            return found
        if module in ("torch", "torch.storage") and name in _STORAGES:
            return _STORAGES[name]
        kind = next((d for d in dtypes.ALL if d.name == name), None)
        if module == "torch" and kind is not None:
            return kind
        raise UnpicklingError(f"the file names {module}.{name}, which may not be loaded")

    def persistent_load(self, pid: Any) -> Any:
        """Return the memory and place of a storage, read once."""
        _, kind, key, location, _ = pid
        if key not in self.storages:
            data = self.archive.read(f"{self.root}/data/{key}")
            self.storages[key] = np.frombuffer(bytearray(data), kind.numpy)
        where = self._place(location)
        return self.storages[key], where

    def _place(self, location: str) -> Device:
        chosen = self.map_location
        if isinstance(chosen, dict):
            chosen = chosen.get(location, location)
        elif callable(chosen) and not isinstance(chosen, Device):
            raise NotImplementedError(
                "stackgrad.load(map_location=function) is not implemented; give a device or a dict"
            )
        return Device(location if chosen is None else chosen)


def _tensor(
    storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool = False, *_: Any
) -> Tensor:
    array, where = storage
    if len(size) != len(stride):
        raise UnpicklingError("a tensor with sizes and strides that do not fit")
    last = (
        offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if all(size)
        else offset - 1
    )
    if offset < 0 or last >= array.size or any(s < 0 for s in stride):
        raise UnpicklingError("a tensor reaches beyond its storage")
    steps = [s * array.itemsize for s in stride]
    view = np.lib.stride_tricks.as_strided(array[offset:], tuple(size), steps)
    found = wrap(where.asarray(view), where)
    return found.requires_grad_() if requires_grad else found


def _parameter(data: Tensor, requires_grad: bool, *_: Any) -> Parameter:
    return Parameter(data, requires_grad)


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): Size,
    ("torch", "device"): Device,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
