"""Which accelerated library does what, and what does it where there is none."""

from __future__ import annotations

from typing import Any


def backends() -> dict[str, dict[str, Any]]:
    """Return for each room (matrix products, convolution, ...) the library in use and its version.

    `library` names what runs now, `found` what could be had, `why` the reason where something is missing.
    """
    import numpy as np

    report: dict[str, dict[str, Any]] = {
        "arrays": {"library": "numpy", "version": np.__version__},
        "matmul": {"library": _blas(), "version": None},
        "convolution": {"library": "stackgrad (im2col)", "version": None},
        "recurrent": {"library": "stackgrad", "version": None},
        "cuda": _cuda(),
        "onednn": {"library": None, "version": None, "why": "no binding of oneDNN in this version"},
        "nccl": {
            "library": None,
            "version": None,
            "why": "no distributed training in this version",
        },
    }
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
