"""Programs written for PyTorch, run unchanged: this package under the name `torch`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType
from typing import Any

_PUBLIC = (
    "accelerator",
    "amp",
    "autograd",
    "cuda",
    "distributed",
    "distributions",
    "func",
    "linalg",
    "multiprocessing",
    "nn",
    "optim",
    "random",
    "special",
    "testing",
    "utils",
    "version",
)


# Programs import these at their head and use them in one corner, if at all.
_ABSENT = (
    "ao",
    "fft",
    "fx",
    "hub",
    "onnx",
    "profiler",
    "quantization",
    "sparse",
    "utils.cpp_extension",
    "utils.tensorboard",
)


def _absent(name: str) -> ModuleType:
    """Return a module that can be imported, and raises for every name in it."""
    module = ModuleType(name, "This part of PyTorch is not implemented in stackgrad.")

    def missing(attribute: str) -> Any:
        raise AttributeError(f"stackgrad has no {name}.{attribute}: it is not implemented")

    module.__getattr__ = missing  # type: ignore[method-assign]
    return module


def impersonate_torch() -> ModuleType:
    """Make `import torch` and `from torch.x import y` find this package; return it.

    Submodules are registered under their new names, so that each is one module and not two. Raises
    RuntimeError where the real PyTorch is loaded already. `torch.__version__` then names the PyTorch
    whose interface this is, because programs compare it.
    """
    import stackgrad

    if "torch" in sys.modules and sys.modules["torch"] is not stackgrad:
        raise RuntimeError("PyTorch is loaded already; impersonate_torch() must come first")
    names = ["stackgrad", *(f"stackgrad.{name}" for name in _PUBLIC)]
    while names:
        name = names.pop()
        module = importlib.import_module(name)
        sys.modules[name.replace("stackgrad", "torch", 1)] = module
        if name != "stackgrad" and hasattr(module, "__path__"):
            names += [f"{name}.{info.name}" for info in pkgutil.iter_modules(module.__path__)]
    sampler = importlib.import_module("stackgrad.distributed.sampler")
    sys.modules["torch.utils.data.distributed"] = sampler
    sys.modules["torch.cuda.amp"] = importlib.import_module("stackgrad.cuda_amp")
    for name in _ABSENT:
        module = sys.modules[f"torch.{name}"] = _absent(f"torch.{name}")
        parent, _, leaf = name.rpartition(".")
        setattr(sys.modules[f"torch.{parent}"] if parent else stackgrad, leaf, module)
    sys.modules["torch.autograd.functional"] = importlib.import_module("stackgrad.derivatives")
    sys.modules["torch.jit"] = stackgrad.jit
    sys.modules["torch.backends"] = stackgrad.backends  # type: ignore[assignment]
    for name in ("cudnn", "cuda", "mkl", "mkldnn", "mps", "openmp"):
        sys.modules[f"torch.backends.{name}"] = getattr(stackgrad.backends, name)
    sys.modules["torch.nn.modules"] = stackgrad.nn
    stackgrad.__version__ = f"{stackgrad.version.API}+stackgrad"
    return stackgrad
