"""Every operation with a sample of PyTorch's: replayed on other values it is the eager one, or is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import stackgrad
from stackgrad.tensor import Tensor, wrap

torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")
pytest.importorskip("expecttest", reason="PyTorch's test data need expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

    from tests.engine import oracle

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

SAMPLES = 6
NOT_FUNCTIONS = {"empty", "empty_like", "new_empty", "new_empty_strided"}  # of their arguments
OPS = [op for op in op_db if op.name not in NOT_FUNCTIONS and oracle.our_function(op) is not None]


def varied(value: Any, seed: int) -> Any:
    """Return a copy with other values of the same form: floats scaled, whole numbers turned around."""
    if isinstance(value, Tensor):
        array = value.array.copy(order="K")
        if array.dtype.kind in "fV" and seed:
            array[...] = array * 0.75
        elif seed:
            array[...] = np.flip(array)
        found = wrap(array, value.device)
        return found.requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(varied(v, seed) for v in value)
    if isinstance(value, dict):
        return {key: varied(v, seed) for key, v in value.items()}
    return value


def step_of(function: Any) -> Any:
    def step(args: Any, kwargs: Any) -> Any:
        results = [r for r in oracle.flat(function(*args, **kwargs)) if isinstance(r, Tensor)]
        wanted = [r for r in results if r.requires_grad and r.dtype.is_floating_point]
        leaves = [
            t
            for t in oracle.flat([args, kwargs])
            if isinstance(t, Tensor) and t.requires_grad and t.is_leaf
        ]
        gradients: Any = ()
        if wanted and leaves:
            total = sum((w * w.detach()).sum() for w in wanted)
            gradients = stackgrad.autograd.grad(total, leaves, allow_unused=True)
        return [r.detach() for r in results], list(gradients)

    return step


def bits(value: Any) -> list[Any]:
    return [
        (v.array.dtype, v.array.shape, v.array.tobytes())
        for v in oracle.flat(value)
        if isinstance(v, Tensor)
    ]


def outcome(step: Any, args: Any, kwargs: Any, seed: int) -> Any:
    stackgrad.manual_seed(seed)
    try:
        return bits(step(varied(args, seed), varied(kwargs, seed)))
    except stackgrad.CaptureError:
        raise
    except Exception as error:  # noqa: BLE001  (the same error on both sides is agreement)
        return type(error).__name__


@pytest.mark.parametrize("name", sorted({op.name for op in OPS}))
def test_a_replay_on_other_values_gives_the_bits_of_the_eager_operation(name):
    for op in (op for op in OPS if op.name == name):
        function = oracle.our_function(op)
        kinds = (torch.float32, torch.int64, torch.bool)
        kind = next((d for d in kinds if op.supports_dtype(d, "cpu")), None)
        if kind is None:
            continue
        samples = op.sample_inputs(
            "cpu", kind, requires_grad=kind.is_floating_point and op.supports_autograd
        )
        for _, sample in zip(range(SAMPLES), samples, strict=False):
            args = oracle.to_ours([sample.input, *sample.args])
            kwargs = oracle.to_ours(sample.kwargs)
            step = step_of(function)
            expected = [outcome(step, args, kwargs, seed) for seed in (0, 0, 0, 1)]
            captured = stackgrad.capture(step)
            try:
                found = [outcome(captured, args, kwargs, seed) for seed in (0, 0, 0, 1)]
            except stackgrad.CaptureError:
                continue
            assert found == expected, sample.summary()
