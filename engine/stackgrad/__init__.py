"""stackgrad: tensors with automatic differentiation on NumPy and CuPy, with PyTorch's names.

import stackgrad as torch
"""

from __future__ import annotations

import importlib
import math as _math
from typing import Any

from stackgrad import accelerator, amp, autograd, cuda, nn, ops, optim, random, version
from stackgrad import dtypes as _dtypes
from stackgrad import grad_mode as _grad_mode
from stackgrad.amp import GradScaler, autocast, is_autocast_enabled
from stackgrad.capture import CaptureError, capture
from stackgrad.compiling import compile, jit  # noqa: A004  (PyTorch's name)
from stackgrad.device import Device as device  # noqa: N813  (PyTorch's name)
from stackgrad.device import set_default as set_default_device
from stackgrad.drawing import graph_dot, graph_text
from stackgrad.dtypes import (
    bfloat16,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
)
from stackgrad.grad_mode import enable_grad, no_grad, set_grad_enabled
from stackgrad.impersonation import impersonate_torch
from stackgrad.layout import Size
from stackgrad.memory import measure_peak
from stackgrad.names import NAMES as _NAMES
from stackgrad.ops.comparison import is_tensor
from stackgrad.ops.creation import from_numpy, tensor
from stackgrad.printing import set_printoptions
from stackgrad.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from stackgrad.serialize import load, save
from stackgrad.switches import (
    are_deterministic_algorithms_enabled,
    backends,
    get_float32_matmul_precision,
    set_float32_matmul_precision,
    use_deterministic_algorithms,
)
from stackgrad.tensor import Tensor
from stackgrad.tuning import get_num_threads, set_num_threads, tune
from stackgrad.typed import TYPES as _TYPES
from stackgrad.utils.dlpack import from_dlpack

__all__ = [
    "CaptureError",
    "Generator",
    "GradScaler",
    "Size",
    "Tensor",
    "accelerator",
    "amp",
    "are_deterministic_algorithms_enabled",
    "autocast",
    "autograd",
    "backends",
    "bfloat16",
    "bool",
    "capture",
    "channels_last",
    "compile",
    "contiguous_format",
    "cuda",
    "default_generator",
    "device",
    "double",
    "dtype",
    "e",
    "enable_grad",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "get_default_dtype",
    "get_float32_matmul_precision",
    "get_num_threads",
    "get_rng_state",
    "graph_dot",
    "graph_text",
    "half",
    "iinfo",
    "impersonate_torch",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_autocast_enabled",
    "is_floating_point",
    "is_grad_enabled",
    "is_tensor",
    "jit",
    "load",
    "long",
    "manual_seed",
    "measure_peak",
    "nan",
    "newaxis",
    "nn",
    "no_grad",
    "numel",
    "optim",
    "pi",
    "preserve_format",
    "promote_types",
    "random",
    "result_type",
    "save",
    "seed",
    "set_default_device",
    "set_default_dtype",
    "set_float32_matmul_precision",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "strided",
    "tensor",
    "tune",
    "uint8",
    "use_deterministic_algorithms",
    "version",
]
__version__ = version.__version__

pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None
strided, contiguous_format, preserve_format, channels_last = (
    "strided",
    "contiguous_format",
    "preserve_format",
    "channels_last",
)
inference_mode = no_grad

globals().update(_NAMES)
globals().update({name: call for name, call in ops.FUNCTIONS.items() if not name.startswith("_")})
globals().update(_TYPES)
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
bool = _dtypes.bool_

_LATER = (
    "distributed",
    "distributions",
    "func",
    "images",
    "linalg",
    "models",
    "multiprocessing",
    "safetensors",
    "special",
    "testing",
    "utils",
)


def is_grad_enabled() -> Any:
    """Return whether operations are recorded in this thread."""
    return _grad_mode.mode.enabled


def is_floating_point(input: Tensor) -> Any:
    """Return whether the elements are floating-point numbers."""
    return input.is_floating_point()


def numel(input: Tensor) -> Any:
    """Return the number of elements."""
    return input.numel()


def __getattr__(name: str) -> Any:
    if name == "kernel":
        from stackgrad.custom import kernel

        return kernel
    if name in _LATER:
        try:
            return importlib.import_module(f"stackgrad.{name}")
        except ModuleNotFoundError as error:
            raise AttributeError(f"stackgrad has no {name!r}: it is not implemented") from error
    raise AttributeError(f"stackgrad has no {name!r}: it is not implemented")
