"""Which accelerated library does what, and what does it where there is none."""

from __future__ import annotations

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
        "nccl": {
            "library": None,
            "version": None,
            "why": "no distributed training in this version",
        },
    }
    if found is None:
        report["onednn"]["why"] = onednn.why_not()
    return report


def _blas() -> str:
    from stackgrad.tuning import _loaded_libraries

    return next(
        (path.name for path in _loaded_libraries() if "blas" in path.name.lower()), "numpy's own"
    )


def _cuda() -> dict[str, Any]:
    from stackgrad.device import cuda_module

    try:
        cupy = cuda_module()
    except RuntimeError as error:
        return {"library": None, "version": None, "why": str(error)}
    return {"library": "cupy", "version": cupy.__version__}
