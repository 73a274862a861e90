"""Running kernels: on a GPU by CuPy's `RawModule`, which compiles with NVRTC and keeps what it compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.kernels.cuda import source

THREADS = 256
_MOST_BLOCKS = 1 << 16  # of kernels that go over elements; each thread then takes several


class Launcher(Protocol):
    """What runs a kernel of a source for elements of one type."""

    def __call__(
        self, body: str, kind: Any, name: str, blocks: int, threads: int, values: Sequence[Any]
    ) -> None:
        """Run it; `values` are arrays (None for a null pointer) and NumPy values of the right type."""


class DeviceLauncher:
    """Launches on the current GPU and stream; legal while a graph is captured once the module is loaded."""

    def __init__(self, cupy: ArrayModule) -> None:
        self.cupy = cupy
        self.functions: dict[tuple[int, Any, str, str], Any] = {}

    def __call__(
        self, body: str, kind: Any, name: str, blocks: int, threads: int, values: Sequence[Any]
    ) -> None:
        """Compile the source on first use and launch."""
        key = (self.cupy.cuda.runtime.getDevice(), kind, body, name)
        function = self.functions.get(key)
        if function is None:
            program = source.complete(body, kind)
            module = self.cupy.RawModule(code=program, options=("-std=c++14",))
            function = self.functions[key] = module.get_function(name)
        function((blocks,), (threads,), tuple(values))


def launch(
    xp: ArrayModule,
    name: str,
    kind: Any,
    blocks: int,
    arguments: Sequence[Any],
    *,
    threads: int = THREADS,
    body: str | None = None,
) -> None:
    """Run kernel `name` for elements of `kind`; nothing happens for 0 blocks.

    Numbers become what the kernel's parameters are; arrays must have no gaps. TypeError where they do not fit.
    """
    text = source.holding(name) if body is None else body
    parameters = source.signatures(text, kind)[name]
    if len(arguments) != len(parameters):
        raise TypeError(f"kernel {name} takes {len(parameters)} arguments, not {len(arguments)}")
    values: list[Any] = []
    for parameter, argument in zip(parameters, arguments, strict=True):
        if parameter.value is not None:
            values.append(np.asarray(argument, parameter.value.base))
        elif argument is not None and not argument.flags.c_contiguous:
            raise TypeError(f"kernel {name}: an array with gaps for {parameter.type}")
        else:
            values.append(argument)
    if blocks:
        xp.launch(text, kind, name, blocks, threads, values)


def each(
    xp: ArrayModule, name: str, kind: Any, count: int, arguments: Sequence[Any], **options: Any
) -> None:
    """Run a kernel that goes over `count` elements, one per thread."""
    blocks = min(-(-count // THREADS), _MOST_BLOCKS)
    launch(xp, name, kind, blocks, arguments, **options)


def threads_for(width: int) -> int:
    """Return how many threads share a row of `width` elements: whole warps, at most `THREADS`."""
    return min(max(32, -(-width // 32) * 32), THREADS)


def packed(xp: ArrayModule, x: Array) -> Array:
    """Return `x` without gaps."""
    return xp.ascontiguousarray(x)
