"""Names that PyTorch has in the package itself for what stands elsewhere: methods, nn.functional, older spellings."""

from __future__ import annotations

from typing import Any

import numpy as np

from stackgrad import dtypes
from stackgrad.device import Device, current
from stackgrad.linalg import older as _older  # noqa: F401  (publishes its names)
from stackgrad.nn import functional as F  # noqa: N812
from stackgrad.ops import comparison
from stackgrad.ops.creation import as_tensor, from_numpy, tensor
from stackgrad.ops.hints import check_hints
from stackgrad.ops.table import FUNCTIONS, function, publish_alias
from stackgrad.tensor import Tensor

for _name, _call in {
    "greater": comparison.gt,
    "greater_equal": comparison.ge,
    "less": comparison.lt,
    "less_equal": comparison.le,
    "not_equal": comparison.ne,
}.items():
    publish_alias(_name, _call)
_FUNCTIONAL = """
    alpha_dropout bilinear celu celu_ channel_shuffle cosine_similarity dropout feature_alpha_dropout hardshrink
    pairwise_distance pdist prelu rms_norm rrelu selu selu_ threshold threshold_
"""
for _name in _FUNCTIONAL.split():
    if hasattr(F, _name):
        FUNCTIONS.setdefault(_name, getattr(F, _name))
for _name in ("detach", "detach_", "fill_", "zero_", "argwhere", "type_as", "is_complex"):
    FUNCTIONS.setdefault(_name, getattr(Tensor, _name))


@function(method=False)
def scalar_tensor(
    s: float,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Return a number as a tensor without dimensions."""
    check_hints(layout, pin_memory)
    kind = dtype or dtypes.get_default_dtype()
    return tensor(s, dtype=kind, device=device, requires_grad=requires_grad)


@function(method=False)
def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return a tensor that shares the memory of `obj` where it can, unless `copy`."""
    found = as_tensor(obj, dtype, device)
    found = found.clone() if copy else found
    return found.requires_grad_() if requires_grad else found


@function(method=False)
def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """Return a tensor over the bytes of a buffer."""
    found = from_numpy(np.frombuffer(buffer, dtype.numpy, count, offset))
    return found.requires_grad_() if requires_grad else found


@function()
def fill(input: Tensor, value: Any) -> Tensor:
    """Return a tensor of the same shape with `value` everywhere."""
    return input.clone().fill_(value)


def get_default_device() -> Device:
    """Return the device on which new tensors are made."""
    return current()


def is_complex(input: Tensor) -> bool:
    """Return False: the engine has no complex numbers."""
    del input
    return False


def typename(obj: Any) -> str:
    """Return the name of a type, `torch.FloatTensor` for a tensor."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if isinstance(obj, type) else type(obj)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


NAMES = {c.__name__: c for c in (get_default_device, is_complex, typename)}
