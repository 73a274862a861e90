"""Mixed precision: products in 16 bits, everything else in 32, and gradients kept from vanishing.

`autocast` casts the operands of matrix products and convolutions. What PyTorch computes in float32
under autocast (softmax, losses, norms) is computed here in float32 within each kernel.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from stackgrad import dtypes
from stackgrad.device import cuda_is_available
from stackgrad.grad_mode import _decorate, no_grad
from stackgrad.tensor import Tensor

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class _State(threading.local):
    dtype: dtypes.dtype | None = None
    device_type = "cpu"


state = _State()


def lowered(*tensors: Any) -> tuple[Any, ...]:
    """Return the operands of a product in the dtype of the surrounding `autocast`."""
    kind = state.dtype
    if kind is None:
        return tensors
    return tuple(t.to(kind) if _concerned(t) else t for t in tensors)


def raised(tensor: Tensor) -> Tensor:
    """Return what PyTorch computes in float32 under `autocast` in float32."""
    return tensor.float() if state.dtype is not None and _concerned(tensor) else tensor


def _concerned(value: Any) -> bool:
    return (
        isinstance(value, Tensor)
        and value.device.type == state.device_type
        and value.dtype in (dtypes.float32, dtypes.float16, dtypes.bfloat16)
    )


class autocast:  # noqa: N801  (PyTorch's name)
    """Context manager and decorator in which products on one kind of device are computed in 16 bits.

    `cache_enabled` is about PyTorch's cache of cast weights; they are cast anew each time here.
    """

    def __init__(
        self,
        device_type: str,
        dtype: dtypes.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        del cache_enabled
        usual = dtypes.bfloat16 if device_type == "cpu" else dtypes.float16
        if device_type not in ("cpu", "cuda"):
            raise RuntimeError(f"autocast: unsupported device type {device_type!r}")
        if enabled and device_type == "cuda" and not cuda_is_available():
            warnings.warn("autocast: no GPU is available, it does nothing", stacklevel=2)
            enabled = False
        self.device_type = device_type
        self.dtype = (dtype or usual) if enabled else None
        if self.dtype not in (None, dtypes.float16, dtypes.bfloat16, dtypes.float32):
            raise RuntimeError(f"autocast supports float16 and bfloat16, not {self.dtype}")

    def __enter__(self) -> None:
        self.previous = state.dtype, state.device_type
        state.dtype, state.device_type = self.dtype, self.device_type

    def __exit__(self, *_: object) -> None:
        state.dtype, state.device_type = self.previous

    def __call__(self, function: Any) -> Any:
        """Decorate `function`, which then runs in this mode."""
        return _decorate(
            lambda: autocast(self.device_type, self.dtype, self.dtype is not None), function
        )


def custom_fwd(
    fwd: Callable[..., Any] | None = None,
    *,
    device_type: str,
    cast_inputs: dtypes.dtype | None = None,
) -> Any:
    """Decorate the `forward` of a `Function`, so that `custom_bwd` finds the mode that it ran in.

    With `cast_inputs` floating-point tensors are cast to that dtype under `autocast`, which is then off.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        active = state.dtype if state.device_type == device_type else None
        casts = cast_inputs is not None and active is not None
        ctx.autocast = autocast(device_type, active, active is not None and not casts)
        if casts:
            args = tuple(a.to(cast_inputs) if _concerned(a) else a for a in args)
            kwargs = {k: a.to(cast_inputs) if _concerned(a) else a for k, a in kwargs.items()}
        with ctx.autocast:
            return fwd(ctx, *args, **kwargs)

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the `backward` of a `Function`: it runs in the mode of `forward`."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *gradients: Any) -> Any:
        with ctx.autocast:
            return bwd(ctx, *gradients)

    return backward


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Return whether `autocast` is in force for a kind of device."""
    return state.dtype is not None and state.device_type == device_type


class GradScaler:
    """Scales the loss up so that small gradients survive float16, and skips steps that overflowed.

    It does nothing, with a warning, for "cuda" where there is no GPU, as in PyTorch.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and str(device).startswith("cuda") and not cuda_is_available():
            warnings.warn("GradScaler: no GPU is available, it does nothing", stacklevel=2)
            enabled = False
        self._scale, self._enabled = init_scale, enabled
        self.growth_factor, self.backoff_factor = growth_factor, backoff_factor
        self.growth_interval, self._good_steps = growth_interval, 0
        self._unscaled: dict[int, bool] = defaultdict(bool)
        self._overflowed: dict[int, bool] = {}

    def is_enabled(self) -> bool:
        """Return whether the scaler does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """Return the factor."""
        return self._scale if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """Return the loss, or each of several, times the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        return type(outputs)(self.scale(o) for o in outputs)

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer by the factor, once per step."""
        key = id(optimizer)
        if not self._enabled or self._unscaled[key]:
            return
        overflowed = False
        with no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.grad.mul_(1.0 / self._scale)
                        overflowed |= not bool(parameter.grad.isfinite().all())
        self._unscaled[key], self._overflowed[key] = True, overflowed

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Run the optimizer's step unless a gradient is infinite or NaN."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        self.unscale_(optimizer)
        return None if self._overflowed[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | None = None) -> None:
        """Lower the factor after an overflow, raise it after `growth_interval` steps without."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif any(self._overflowed.values()):
            self._scale *= self.backoff_factor
            self._good_steps = 0
        else:
            self._good_steps += 1
            if self._good_steps == self.growth_interval:
                self._scale *= self.growth_factor
                self._good_steps = 0
        self._unscaled.clear()
        self._overflowed.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return factor and count."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self.growth_factor,
            "backoff_factor": self.backoff_factor,
            "growth_interval": self.growth_interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over factor and count."""
        if self._enabled:
            self._scale = state_dict["scale"]
            self.growth_factor = state_dict["growth_factor"]
            self.backoff_factor = state_dict["backoff_factor"]
            self.growth_interval = state_dict["growth_interval"]
            self._good_steps = state_dict["_growth_tracker"]
