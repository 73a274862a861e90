"""PyTorch as the oracle: its own sample inputs, run through both libraries and compared."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import stackgrad
import torch
from stackgrad import dtypes
from stackgrad.tensor import Tensor, wrap

TOLERANCE = {
    torch.float64: (1e-6, 1e-7),
    torch.float32: (2e-4, 2e-5),
    torch.float16: (1e-2, 1e-2),
    torch.bfloat16: (3e-2, 3e-2),
}


@dataclass(frozen=True)
class Mismatch:
    """One sample on which the two libraries differ."""

    sample: str
    what: str


def to_ours(value: Any) -> Any:  # noqa: PLR0911
    """Return torch objects as the engine's: tensors with a copy of their memory, in their layout."""
    if isinstance(value, torch.Tensor):
        return tensor_to_ours(value)
    if isinstance(value, torch.dtype):
        return getattr(stackgrad, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return stackgrad.device(value.type)
    if isinstance(value, torch.memory_format):
        return str(value).removeprefix("torch.")
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(to_ours(v) for v in value)
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, dict):
        return {key: to_ours(v) for key, v in value.items()}
    if isinstance(value, torch.nn.Module) and not list(value.parameters()):
        return getattr(stackgrad.nn, type(value).__name__)()
    if isinstance(value, types.FunctionType) and value.__module__.startswith("torch.nn"):
        return getattr(stackgrad.nn.functional, value.__name__)
    return value


def tensor_to_ours(value: torch.Tensor) -> Tensor:
    detached = value.detach()
    if detached.dtype is torch.bfloat16:
        array = detached.float().numpy().astype(dtypes.bfloat16.numpy)
    else:
        array = detached.numpy().copy(order="K")
    ours = wrap(np.asarray(array), stackgrad.device("cpu"))
    return ours.requires_grad_() if value.requires_grad else ours


def to_array(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return (
            (value.float() if value.dtype is torch.bfloat16 else value)
            .resolve_neg()
            .resolve_conj()
            .numpy()
        )
    if isinstance(value, Tensor):
        return value.array.astype(np.float32) if value.dtype is dtypes.bfloat16 else value.array
    return np.asarray(value)


def flat(value: Any) -> list[Any]:
    """Return the tensors (and numbers) of nested results in order."""
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in flat(part)]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in flat(part)]
    return [value]


def compare(theirs: Any, ours: Any, what: str) -> str | None:
    """Return how two results differ in type, dtype, shape or value; None if they agree."""
    if isinstance(theirs, torch.Tensor):
        if not isinstance(ours, Tensor):
            return f"{what}: a {type(ours).__name__} for a tensor"
        if str(theirs.dtype).removeprefix("torch.") != ours.dtype.name:
            return f"{what}: dtype {ours.dtype.name} for {theirs.dtype}"
    a, b = to_array(theirs), to_array(ours)
    if a.shape != b.shape:
        return f"{what}: shape {b.shape} for {a.shape}"
    if a.dtype.kind in "fc":
        kind = theirs.dtype if isinstance(theirs, torch.Tensor) else torch.float64
        relative, absolute = TOLERANCE.get(kind, (1e-6, 1e-7))
        if not np.allclose(
            b.astype(np.float64), a.astype(np.float64), relative, absolute, equal_nan=True
        ):
            worst = np.nanmax(np.abs(b.astype(np.float64) - a.astype(np.float64)), initial=0)
            return f"{what}: off by {worst:.3g}"
    elif not np.array_equal(a, b):
        return f"{what}: other values"
    return None


def our_function(op: Any) -> Any:
    """Return the engine's counterpart of an OpInfo; None if it has none.

    Where torch's is a wrapper in Python, the wrapper runs with the engine in torch's place.
    """
    name = op.name
    wrapped = isinstance(op.op, types.FunctionType) and op.op.__module__.startswith("torch.testing")
    place: Any = stackgrad
    try:
        for part in name.split("."):
            place = getattr(place, part)
    except AttributeError:
        place = getattr(Tensor, name, None)
    if isinstance(place, property):
        return place.fget
    if isinstance(place, dtypes.dtype):
        return getattr(Tensor, name)
    if place is not None and wrapped:
        return types.FunctionType(
            op.op.__code__,
            {**op.op.__globals__, "torch": stackgrad},
            name,
            op.op.__defaults__,
            op.op.__closure__,
        )
    return place


def check_sample(op: Any, ours: Any, sample: Any) -> str | None:
    """Return how the engine differs from torch on one sample, in value, dtype or gradient."""
    arguments = (sample.input, *sample.args)
    mirrored = to_ours(list(arguments))
    options = to_ours(sample.kwargs)
    theirs = sample.output_process_fn_grad(op.op(*arguments, **sample.kwargs))
    found = ours(*mirrored, **options)
    process = sample.output_process_fn_grad
    results, outputs = flat(theirs), flat(process(found))
    if len(results) != len(outputs):
        return f"{len(outputs)} outputs for {len(results)}"
    for number, (a, b) in enumerate(zip(results, outputs, strict=True)):
        if (fault := compare(a, b, f"output {number}")) is not None:
            return fault
    return compare_gradients(
        flat([arguments, sample.kwargs]), flat([mirrored, options]), results, outputs
    )


def compare_gradients(inputs: Any, mirrored: Any, results: Any, outputs: Any) -> str | None:
    """Return how the gradients of one random cotangent differ."""
    pairs = [
        (a, b)
        for a, b in zip(results, outputs, strict=True)
        if isinstance(a, torch.Tensor) and a.requires_grad and a.is_floating_point() and a.numel()
    ]
    if not pairs:
        return None
    if not all(b.requires_grad for _, b in pairs):
        return "gradient: the engine's output requires none"
    rng = np.random.default_rng(0)
    seeds = [rng.standard_normal(tuple(a.shape)) for a, _ in pairs]
    leaves = [
        (t, o)
        for t, o in zip(inputs, mirrored, strict=True)
        if isinstance(t, torch.Tensor) and t.requires_grad
    ]
    cotangents = [
        torch.from_numpy(np.asarray(s)).to(a.dtype) for s, (a, _) in zip(seeds, pairs, strict=True)
    ]
    try:
        theirs = torch.autograd.grad(
            [a for a, _ in pairs], [t for t, _ in leaves], cotangents, allow_unused=True
        )
    except RuntimeError as error:
        if "is not implemented" in str(error):
            return None
        raise
    ours = stackgrad.autograd.grad(
        [b for _, b in pairs],
        [o for _, o in leaves],
        [stackgrad.tensor(s).to(b.dtype) for s, (_, b) in zip(seeds, pairs, strict=True)],
        allow_unused=True,
    )
    for number, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        if a is None or b is None:
            present = a if b is None else b
            if present is not None and to_array(present).any():
                return f"gradient {number}: {'missing' if b is None else 'too much'}"
            continue
        if (fault := compare(a, b, f"gradient {number}")) is not None:
            return fault
    return None


def mismatches(op: Any, ours: Any) -> Iterator[tuple[int, Mismatch | None]]:
    """Yield the number of every sample of `op`, with what differs on it."""
    kind = next(
        (d for d in (torch.float32, torch.int64, torch.bool) if op.supports_dtype(d, "cpu")), None
    )
    if kind is None:
        return
    differentiable = kind.is_floating_point and op.supports_autograd
    for number, sample in enumerate(op.sample_inputs("cpu", kind, requires_grad=differentiable)):
        try:
            fault = check_sample(op, ours, sample)
        except Exception as error:  # noqa: BLE001  (whatever the engine raises is a mismatch)
            fault = f"{type(error).__name__}: {error}"
        yield number, None if fault is None else Mismatch(repr(sample.summary())[:300], fault)
