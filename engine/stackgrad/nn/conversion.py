"""Modules in other types and places, changed in place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from stackgrad.dtypes import dtype as dtype_type
from stackgrad.grad_mode import no_grad
from stackgrad.ops.hints import check_hints
from stackgrad.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self


class Convertible:
    """What a module needs to change its tensors: `modules()`, each with `_parameters` and `_buffers`."""

    modules: Callable[[], Iterator[Any]]

    def _convert(self, change: Callable[[Tensor], Tensor]) -> Self:
        with no_grad():
            for module in self.modules():
                places = module.__dict__
                both = (places["_parameters"], places["_buffers"])
                for tensor in itertools.chain(*(place.values() for place in both)):
                    if tensor is not None:
                        changed = change(tensor)
                        tensor.array, tensor.device = changed.array, changed.device
                        if tensor.grad is not None:
                            tensor.grad = change(tensor.grad)
        return self

    def to(
        self,
        *args: Any,
        device: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,
        memory_format: Any = None,
    ) -> Self:
        """Move to a device, and cast floating-point tensors to a dtype, in place.

        `non_blocking` and `memory_format` are about PyTorch's copies; the numbers are the same.
        """
        del non_blocking
        check_hints(memory_format=memory_format)
        for argument in args:
            if isinstance(argument, Tensor):
                device, dtype = argument.device, argument.dtype
            elif isinstance(argument, dtype_type):
                dtype = argument
            elif argument is not None and not isinstance(argument, bool):
                device = argument
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got {dtype}")

        def change(tensor: Tensor) -> Tensor:
            kind = dtype if tensor.dtype.is_floating_point else None
            return tensor.to(device=device, dtype=kind)

        return self._convert(change)

    def type(self, dst_type: Any) -> Self:
        """Cast all tensors to a dtype."""
        return self._convert(lambda t: t.type(dst_type))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device; the numbers are kept, where PyTorch leaves them open."""
        if not recurse:
            raise NotImplementedError(
                "Module.to_empty(recurse=False) is not implemented in stackgrad"
            )
        return self.to(device=device)

    def cuda(self, device: Any = None) -> Self:
        """Move to a GPU."""
        return self.to("cuda" if device is None else device)

    def cpu(self) -> Self:
        """Move to the CPU."""
        return self.to("cpu")

    def float(self) -> Self:
        """Cast to float32."""
        return self._convert(lambda t: t.float() if t.dtype.is_floating_point else t)

    def double(self) -> Self:
        """Cast to float64."""
        return self._convert(lambda t: t.double() if t.dtype.is_floating_point else t)

    def half(self) -> Self:
        """Cast to float16."""
        return self._convert(lambda t: t.half() if t.dtype.is_floating_point else t)

    def bfloat16(self) -> Self:
        """Cast to bfloat16."""
        return self._convert(lambda t: t.bfloat16() if t.dtype.is_floating_point else t)
