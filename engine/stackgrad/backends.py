"""Which accelerated library does what, and what does it where there is none."""

from __future__ import annotations

import importlib
from typing import Any


def backends() -> dict[str, dict[str, Any]]:
    """Return for each room (matrix products, convolution, ...) the library in use and its version.

    `library` names what runs now, `found` what could be had, `why` the reason where something is missing.
    """
    import numpy as np

    from stackgrad.libraries import onednn

    found = onednn.library()
    name, version = (None, None) if found is None else ("onednn", found.version)
    report: dict[str, dict[str, Any]] = {
        "arrays": {"library": "numpy", "version": np.__version__},
        "matmul": {"library": name or _blas(), "version": version, "fallback": _blas()},
        "convolution": {"library": name or "stackgrad", "version": version, "fallback": "im2col"},
        "recurrent": {"library": name or "stackgrad", "version": version, "fallback": "stackgrad"},
        "cuda": _cuda(),
        "onednn": {"library": None if found is None else found.path, "version": version},
        **{name: _library(name) for name in ("cublas", "cudnn", "nccl", "nvrtc")},
    }
    if found is None:
        report["onednn"]["why"] = onednn.why_not()
    return report


def _blas() -> str:
    from stackgrad.tuning import _loaded_libraries

    return next(
        (path.name for path in _loaded_libraries() if "blas" in path.name.lower()), "numpy's own"
    )


def _library(name: str) -> dict[str, Any]:
    """Return what is known of one of NVIDIA's libraries: found, whether there is a GPU or not."""
    from stackgrad.libraries import binding

    module = importlib.import_module(f"stackgrad.libraries.{name}")
    try:
        return {"library": module.library().path, "version": module.version()}
    except (binding.LibraryError, OSError) as error:
        return {"library": None, "version": None, "why": str(error)}


def _cuda() -> dict[str, Any]:
    """Return what a GPU's operations run on: CuPy, and what it uses for products and convolutions."""
    from stackgrad.device import Device, cuda_module

    try:
        cupy = cuda_module()
    except RuntimeError as error:
        return {"library": None, "version": None, "why": str(error)}
    return {"library": "cupy", "version": cupy.__version__, **Device("cuda").xp.choices}
