"""`torch.version`: of the engine, and of the CUDA that CuPy was built for."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
API = "2.13.0"  # the PyTorch whose names these are; what programs compare versions with

hip = xpu = None
git_version = "unknown"
debug = False


def __getattr__(name: str) -> Any:
    if name != "cuda":
        raise AttributeError(f"stackgrad.version has no {name!r}")
    from stackgrad.device import cuda_is_available, cuda_module

    if not cuda_is_available():
        return None
    number = cuda_module().cuda.runtime.runtimeGetVersion()
    return f"{number // 1000}.{number % 1000 // 10}"
