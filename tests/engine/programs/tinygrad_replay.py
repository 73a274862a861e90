"""Replay tinygrad's own comparison with PyTorch with the engine in tinygrad's place.

python tinygrad_replay.py CHECKOUT

Every lambda that `test/backend/test_ops.py` gives to PyTorch is given to the engine as well, with the
same inputs; results and gradients are compared in its tolerances. Prints what differs and the count.
"""

# ruff: noqa: PLR0911, PLR0917  (one return per kind of value; the parameters are tinygrad's)
from __future__ import annotations

import collections
import contextlib
import functools
import io
import sys
import types
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import stackgrad
import torch

CASES: collections.Counter[str] = collections.Counter()
FAULTS: list[str] = []


def mirrored(function: Any) -> Any:
    """Return `function` with the engine wherever it says torch."""
    if not isinstance(function, types.FunctionType):
        return _translated(function)
    cells = tuple(types.CellType(_translated(c.cell_contents)) for c in function.__closure__ or ())
    names = {**function.__globals__, "torch": stackgrad}
    for name in function.__code__.co_names:
        held = function.__globals__.get(name)
        if isinstance(held, (torch.Tensor, types.FunctionType)) and held is not function:
            names[name] = _translated(held)
    found = types.FunctionType(function.__code__, names, function.__name__, None, cells or None)
    found.__defaults__ = tuple(_translated(d) for d in function.__defaults__ or ()) or None
    found.__kwdefaults__ = {
        k: _translated(v) for k, v in (function.__kwdefaults__ or {}).items()
    } or None
    return found


def _translated(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        ours = stackgrad.tensor(value.detach().numpy())
        return ours.requires_grad_() if value.requires_grad else ours
    if isinstance(value, torch.dtype):
        return getattr(stackgrad, str(value).removeprefix("torch."))
    if isinstance(value, functools.partial):
        return functools.partial(_translated(value.func), *value.args, **value.keywords)
    if isinstance(value, types.FunctionType) and value.__module__.startswith("torch"):
        return getattr(stackgrad.nn.functional, value.__name__, None) or getattr(
            stackgrad, value.__name__
        )
    if isinstance(value, types.FunctionType):
        return mirrored(value)
    if isinstance(value, (types.BuiltinFunctionType, types.MethodDescriptorType)):
        place = getattr(value, "__module__", None) or ""
        owner: Any = (
            stackgrad.nn.functional if "functional" in place or "_nn" in place else stackgrad
        )
        for where in (owner, stackgrad, stackgrad.nn.functional, stackgrad.Tensor):
            if getattr(torch, value.__name__, value) is not None and hasattr(where, value.__name__):
                return getattr(where, value.__name__)
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_translated(v) for v in value)
    return value


def run(
    name: str, function: Any, inputs: list[Any], forward_only: bool, rtol: float, atol: float
) -> None:
    """Run one case in both libraries and note how they differ."""
    theirs = function(*inputs)
    CASES[name] += 1
    try:
        ours_in = [_translated(t) for t in inputs]
        found = mirrored(function)(*ours_in)
        np.testing.assert_allclose(found.detach().numpy(), theirs.detach().numpy(), rtol, atol)
        if not forward_only and inputs and theirs.requires_grad:
            g = torch.autograd.grad(theirs.sum(), inputs)
            h = stackgrad.autograd.grad(found.sum(), ours_in)
            for a, b in zip(g, h, strict=True):
                np.testing.assert_allclose(b.numpy(), a.numpy(), 1e-3, 1e-4)
    except Exception as error:  # noqa: BLE001  (whatever the engine raises is a difference)
        FAULTS.append(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:160]}")


def load(checkout: Path) -> Any:
    """Return the module of the tests, its tinygrad replaced by nothing."""
    nothing = mock.MagicMock()
    nothing.getenv = lambda _, default=0: default
    nothing.DEBUG = nothing.IMAGE = 0
    nothing.NIRRenderer = type("NIRRenderer", (), {})
    for name in (
        "tinygrad",
        "tinygrad.helpers",
        "tinygrad.tensor",
        "tinygrad.renderer",
        "tinygrad.renderer.nir",
    ):
        sys.modules[name] = nothing
    source = (checkout / "test" / "backend" / "test_ops.py").read_text()
    module = types.ModuleType("test_ops")
    exec(compile(source, "test_ops.py", "exec"), module.__dict__)
    return module


def main() -> None:
    """Replay all tests of the checkout."""
    module = load(Path(sys.argv[1]))
    current = [""]

    def helper(shapes: Any, torch_fxn: Any, tinygrad_fxn: Any = None, atol: float = 1e-6, rtol: float = 1e-3,
               grad_atol: float = 1e-4, grad_rtol: float = 1e-3, forward_only: bool = False, vals: Any = None,
               low: float = -2, high: float = 2) -> None:  # fmt: skip
        del tinygrad_fxn, grad_atol, grad_rtol
        rng = np.random.default_rng(0)
        if shapes is None:
            inputs = [torch.tensor(v) for v in vals]
        else:
            inputs = [torch.tensor(rng.uniform(low, high, s).astype(np.float32)) for s in shapes]
        inputs = [
            t.requires_grad_() if t.is_floating_point() and not forward_only else t for t in inputs
        ]
        run(
            current[0],
            torch_fxn,
            inputs,
            forward_only or not all(t.requires_grad for t in inputs),
            rtol,
            atol,
        )

    module.helper_test_op = helper
    loader = unittest.defaultTestLoader
    tests = [t for case in vars(module).values() if isinstance(case, type) and issubclass(case, unittest.TestCase)
             for t in loader.loadTestsFromTestCase(case)]  # fmt: skip
    ran = 0
    for test in tests:
        current[0] = test._testMethodName
        test.helper_test_exception = lambda *_, **__: None
        before = sum(CASES.values())
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.suppress(Exception, unittest.SkipTest),
        ):
            getattr(
                test, current[0]
            )()  # what it asserts of tinygrad itself fails, and says nothing here
        ran += sum(CASES.values()) > before
    total = sum(CASES.values())
    lines = [*FAULTS, f"{total} cases of {ran} tests, {len(FAULTS)} differ"]
    sys.stdout.write("\n".join(lines) + f", {1 - len(FAULTS) / total:.1%} agree\n")


if __name__ == "__main__":
    main()
