"""Mixed precision: products in 16 bits, everything else in 32, and gradients kept from vanishing.

`autocast` casts the operands of matrix products and convolutions. What PyTorch computes in float32
under autocast (softmax, losses, norms) is computed here in float32 within each kernel.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

from stackgrad import dtypes
from stackgrad.grad_mode import _decorate, no_grad
from stackgrad.tensor import Tensor

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class _State(threading.local):
    dtype: dtypes.dtype | None = None


state = _State()


def lowered(*tensors: Any) -> tuple[Any, ...]:
    """Return the operands of a product in the dtype of the surrounding `autocast`."""
    kind = state.dtype
    if kind is None:
        return tensors
    return tuple(
        t.to(kind)
        if isinstance(t, Tensor) and t.dtype in (dtypes.float32, dtypes.float16, dtypes.bfloat16)
        else t
        for t in tensors
    )


class autocast:  # noqa: N801  (PyTorch's name)
    """Context manager and decorator in which products are computed in 16 bits."""

    def __init__(
        self,
        device_type: str = "cuda",
        dtype: dtypes.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,  # noqa: ARG002  (weights are cast anew each time)
    ) -> None:
        usual = dtypes.bfloat16 if device_type == "cpu" else dtypes.float16
        self.dtype = (dtype or usual) if enabled else None
        if self.dtype not in (None, dtypes.float16, dtypes.bfloat16, dtypes.float32):
            raise RuntimeError(f"autocast supports float16 and bfloat16, not {self.dtype}")

    def __enter__(self) -> None:
        self.previous, state.dtype = state.dtype, self.dtype

    def __exit__(self, *_: object) -> None:
        state.dtype = self.previous

    def __call__(self, function: Any) -> Any:
        """Decorate `function`, which then runs in this mode."""
        kind = self.dtype

        def manager() -> autocast:
            made = autocast(dtype=kind, enabled=kind is not None)
            made.dtype = kind
            return made

        return _decorate(manager, function)


def custom_fwd(function: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:  # noqa: ARG001
    """Decorate the `forward` of a `Function`; `cast_inputs` is not implemented."""
    if cast_inputs is not None:
        raise NotImplementedError("custom_fwd(cast_inputs=) is not implemented in stackgrad")
    return function if function is not None else lambda f: f


def custom_bwd(function: Any = None, *, device_type: str = "cuda") -> Any:  # noqa: ARG001
    """Decorate the `backward` of a `Function`."""
    return function if function is not None else lambda f: f


class GradScaler:
    """Scales the loss up so that small gradients survive float16, and skips steps that overflowed."""

    def __init__(
        self,
        device: str = "cuda",  # noqa: ARG002  (the same on all)
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
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
