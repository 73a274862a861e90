"""`torch.compile` and `torch.jit`: the engine runs what is given; compiled results would be the same.

`stackgrad.capture` is what makes a step faster here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_MODES = (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
) -> Any:
    """Return `model` as it is: compiling changes how PyTorch runs it, not what it computes.

    A `backend` of one's own, which could change that, and unknown modes raise.
    """
    del fullgraph, dynamic, options, disable, recompile_limit
    if mode not in _MODES:
        raise RuntimeError(
            f"Unrecognized mode={mode}, should be one of: {', '.join(map(str, _MODES[1:]))}"
        )
    if not isinstance(backend, str):
        raise NotImplementedError("compile(backend=function) is not implemented in stackgrad")
    if backend not in ("inductor", "eager", "aot_eager", "cudagraphs"):
        raise RuntimeError(f"Invalid backend: {backend!r}")
    return model if model is not None else lambda function: function


class _Jit(ModuleType):
    """Scripting leaves functions and modules as they are; what would need a compiled one raises."""

    @staticmethod
    def script(obj: Any) -> Any:
        """Return the function or module itself."""
        return obj

    ignore = unused = export = staticmethod(
        lambda fn=None, **_: fn if callable(fn) else lambda f: f
    )

    @staticmethod
    def is_scripting() -> bool:
        """Return False: nothing is compiled."""
        return False

    is_tracing = is_scripting

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"stackgrad.jit has no {name!r}: it is not implemented")


jit = _Jit("stackgrad.jit")
sys.modules["stackgrad.jit"] = jit


def is_compiling() -> bool:
    """Return False: nothing is compiled."""
    return False
