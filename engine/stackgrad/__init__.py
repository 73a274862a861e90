"""stackgrad: tensors with automatic differentiation on NumPy and CuPy, with PyTorch's names.

    import stackgrad as torch
"""

from __future__ import annotations

import importlib
from typing import Any

from stackgrad import dtypes as _dtypes
from stackgrad import ops as _ops
from stackgrad import random
from stackgrad.device import Device as device  # noqa: N813  (PyTorch's name)
from stackgrad.device import device as _device
from stackgrad.device import set_default as set_default_device
from stackgrad.dtypes import (
    bfloat16, dtype, finfo, float16, float32, float64, get_default_dtype, iinfo, int8, int16, int32, int64,
    promote_types, result_type, set_default_dtype, uint8,
)  # fmt: skip
from stackgrad.graph import enable_grad, mode as _mode, no_grad, set_grad_enabled
from stackgrad.ops.comparison import is_tensor
from stackgrad.ops.creation import from_dlpack, from_numpy, tensor
from stackgrad.printing import set_printoptions
from stackgrad.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from stackgrad.tensor import Size, Tensor
from stackgrad import autograd, nn, optim

__version__ = "0.1.0"

globals().update({name: call for name, call in _ops.FUNCTIONS.items() if not name.startswith("_")})
