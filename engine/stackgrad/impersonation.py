"""Programs written for PyTorch, run unchanged: this package under the name `torch`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

_PUBLIC = ("amp", "autograd", "cuda", "nn", "optim", "random", "testing", "utils")


def impersonate_torch() -> ModuleType:
    """Make `import torch` and `from torch.x import y` find this package; return it.

    Submodules are registered under their new names, so that each is one module and not two. Raises
    RuntimeError where the real PyTorch is loaded already.
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
    sys.modules["torch.cuda.amp"] = importlib.import_module("stackgrad.amp")
    return stackgrad
