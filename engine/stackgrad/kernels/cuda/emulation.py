"""CUDA kernels run on the CPU by a host compiler: their arithmetic without a GPU.

`emulation.h` gives a kernel CUDA's names; a block's threads are fibers that take turns at barriers. It needs
`g++` (12 or newer, for float16), and is for tests: thousands of times slower than a GPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stackgrad.kernels.cuda import source

_THREADS = 64  # enough for two warps to meet; more are only slower


class EmulationError(RuntimeError):
    """A source that does not compile, or a kernel whose threads wait for each other forever."""


def compiler() -> str | None:
    """Return the host compiler; None where there is none."""
    return shutil.which("g++")


class _Runtime:
    """The part of `cupy.cuda` that moving arrays needs."""

    Device = contextlib.nullcontext


class EmulatedArrays:
    """NumPy with a `launch` that runs CUDA kernels: stands where a GPU's array module would."""

    cuda = _Runtime
    convolutions = None

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def launch(
        body: str, kind: Any, name: str, blocks: int, threads: int, values: Sequence[Any]
    ) -> None:
        """Run a kernel with at most 64 threads a block."""
        parameters = source.signatures(body, kind)[name]
        held = [
            _Argument(value, by_value=parameter.value is not None)
            for parameter, value in zip(parameters, values, strict=True)
        ]
        pointers = (ctypes.c_void_p * len(held))(*[argument.place for argument in held])
        run = getattr(_library(body, kind), f"emulate_{name}")
        if run(blocks, min(threads, _THREADS), pointers) != 1:
            raise EmulationError(f"kernel {name}: threads of a block wait at different barriers")

    @staticmethod
    def asnumpy(array: Any) -> Any:
        """Return the array: it is NumPy's."""
        return array


class _Argument:
    """A value, or the address of an array, at a place in memory."""

    def __init__(self, value: Any, *, by_value: bool) -> None:
        self.value = value
        self.address = ctypes.c_void_p(0 if value is None else value.ctypes.data)
        self.place = value.ctypes.data if by_value else ctypes.addressof(self.address)


@functools.cache
def _library(body: str, kind: Any) -> ctypes.CDLL:
    program = _program(body, kind)
    name = hashlib.sha256(program.encode()).hexdigest()[:16]
    folder = Path(tempfile.mkdtemp(prefix="stackgrad-"))
    found = compiler()
    if found is None:
        raise EmulationError("no host compiler: g++ is not installed")
    text, library = folder / f"{name}.cpp", folder / f"{name}.so"
    text.write_text(program, encoding="utf-8")
    command = [found, "-O1", "-std=c++17", "-w", "-shared", "-fPIC", str(text), "-o", str(library)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise EmulationError(f"the source does not compile:\n{made.stderr[:2000]}")
    try:
        return ctypes.CDLL(str(library))
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # it stays loaded


def _program(body: str, kind: Any) -> str:
    parts = [(source.HERE / "emulation.h").read_text(encoding="utf-8")]
    parts += [
        source.complete(body, kind),
        (source.HERE / "emulation_half.h").read_text(encoding="utf-8"),
    ]
    for name, parameters in source.signatures(body, kind).items():
        given = ", ".join(f"*({p.type}*)arguments[{i}]" for i, p in enumerate(parameters))
        parts.append(
            f"namespace of_{name} {{ static void** arguments; static void run() {{ {name}({given}); }} }}\n"
            f'extern "C" int emulate_{name}(unsigned blocks, unsigned threads, void** arguments) {{\n'
            f"    of_{name}::arguments = arguments;\n"
            f"    return emulation::run(blocks, threads, of_{name}::run);\n}}"
        )
    return "\n".join(parts)
