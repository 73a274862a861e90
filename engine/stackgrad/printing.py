"""How a tensor is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stackgrad import dtypes

if TYPE_CHECKING:
    from stackgrad.tensor import Tensor

_options: dict[str, Any] = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80}


def set_printoptions(
    *,
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    sci_mode: bool | None = None,  # noqa: ARG001
    profile: str | None = None,  # noqa: ARG001
) -> None:
    """Set how many digits, elements and columns are shown."""
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    _options.update({name: value for name, value in given.items() if value is not None})


def render(tensor: Tensor) -> str:
    """Return the tensor as PyTorch prints it: `tensor([1., 2.], requires_grad=True)`."""
    array = tensor.device.xp.asnumpy(tensor.array) if tensor.is_cuda else tensor.array
    kind = tensor.dtype
    prefix = "Parameter containing:\n" if type(tensor).__name__ == "Parameter" else ""
    if kind.is_floating_point:
        array = array.astype(np.float64 if kind is dtypes.float64 else np.float32)
    whole = bool(kind.is_floating_point and array.size and np.all(array == np.trunc(array)))
    body = np.array2string(
        array,
        separator=", ",
        prefix="tensor(",
        precision=_options["precision"],
        threshold=_options["threshold"],
        edgeitems=_options["edgeitems"],
        max_line_width=_options["linewidth"],
        suppress_small=False,
        floatmode="maxprec" if whole else "fixed",
    )
    notes = []
    if tensor.is_cuda:
        notes.append(f"device='{tensor.device}'")
    if kind not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_):
        notes.append(f"dtype={kind}")
    node = tensor.grad_fn
    if node is not None:
        notes.append(f"grad_fn={node}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return f"{prefix}tensor({', '.join([body, *notes])})"
