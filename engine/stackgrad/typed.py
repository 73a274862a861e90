"""`torch.FloatTensor` and its kin: the old way to name a dtype, and to make and test tensors of one."""

from __future__ import annotations

from typing import Any

from stackgrad import dtypes
from stackgrad.device import Device
from stackgrad.ops.copies import to
from stackgrad.ops.creation import empty, tensor
from stackgrad.ops.table import attach
from stackgrad.tensor import Tensor

_NAMES = {
    "FloatTensor": dtypes.float32,
    "DoubleTensor": dtypes.float64,
    "HalfTensor": dtypes.float16,
    "BFloat16Tensor": dtypes.bfloat16,
    "ByteTensor": dtypes.uint8,
    "CharTensor": dtypes.int8,
    "ShortTensor": dtypes.int16,
    "IntTensor": dtypes.int32,
    "LongTensor": dtypes.int64,
    "BoolTensor": dtypes.bool_,
}


class Typed(type):
    """A class without objects of its own: calling it makes a tensor, `isinstance` looks at the dtype."""

    kind: dtypes.dtype
    place: str

    def __call__(cls, *data: Any) -> Tensor:
        """Return a tensor of the data, or an empty one of the sizes given."""
        device = Device(cls.place)
        if data and all(isinstance(d, int) for d in data):
            return empty(*data, dtype=cls.kind, device=device)
        return tensor(data[0] if data else [], dtype=cls.kind, device=device)

    def __instancecheck__(cls, instance: Any) -> bool:
        found = isinstance(instance, Tensor)
        return found and instance.dtype is cls.kind and instance.device.type == cls.place

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def typed(name: str, place: str) -> Typed:
    """Return the class that PyTorch calls `name`, on a kind of device."""
    return Typed(
        name, (), {"kind": _NAMES[name], "place": place, "__doc__": f"Tensors of {_NAMES[name]}."}
    )


TYPES = {name: typed(name, "cpu") for name in _NAMES}


def named_type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Return the tensor as a dtype, or as a type such as "torch.FloatTensor"; without one, its own name."""
    if dtype is None:
        name = next(name for name, kind in _NAMES.items() if kind is self.dtype)
        return f"torch.{'cuda.' if self.is_cuda else ''}{name}"
    if isinstance(dtype, str):
        place, _, name = dtype.removeprefix("torch.").rpartition(".")
        if name not in _NAMES or place not in ("", "cuda"):
            raise ValueError(f"invalid type: {dtype!r}")
        return to(self, place or "cpu", _NAMES[name])
    if isinstance(dtype, Typed):
        return to(self, dtype.place, dtype.kind)
    return to(self, dtype, non_blocking=non_blocking)


attach(type=named_type)
