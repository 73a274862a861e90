"""Operations with a kernel for speed and a formula for truth.

    layer_norm = Fused("layer_norm", formula, kernel)

The formula is written in public operations. The kernel computes the same in one go, forward and
backward, and keeps what it likes in between (`residue`). Where a device has no kernel the formula
runs; and a gradient that is to be differentiated again is taken from the formula, so a kernel never
needs a second derivative. Tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from stackgrad.arrays import Array, ArrayModule, quiet
from stackgrad.grad_mode import enable_grad, mode
from stackgrad.graph import Node, edge_to, look_for_nan
from stackgrad.ops.table import meet
from stackgrad.tensor import Tensor, wrap


class Kernel(Protocol):
    """Functions of arrays for one device type."""

    def forward(
        self, xp: ArrayModule, *arrays: Array, keep: bool, **static: Any
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the outputs and, if `keep`, the residue that `backward` wants."""

    def backward(
        self,
        xp: ArrayModule,
        residue: Any,
        gradients: Sequence[Array | None],
        arrays: Sequence[Array],
        needs: Sequence[bool],
        **static: Any,
    ) -> Sequence[Array | None]:
        """Return one gradient per input, None where it is not needed."""


class Fused:
    """An operation of a formula and, per device type, a kernel."""

    fresh = True

    def __init__(self, name: str, formula: Callable[..., Any], **kernels: Any) -> None:
        self.name, self.formula, self.kernels = name, formula, kernels

    def __call__(self, *tensors: Tensor | None, **static: Any) -> Tensor:
        """Apply an operation with one output."""
        result: Tensor = self.apply(*tensors, **static)
        return result

    def apply(self, *tensors: Tensor | None, **static: Any) -> Any:
        """Apply the operation; the result is a tensor, or a tuple where the kernel has several outputs."""
        device = None
        for tensor in tensors:
            if tensor is not None:
                device = tensor.device if device is None else meet(device, tensor)
        kernel = self.kernels.get(device.type) if device is not None else None
        kinds = {t.array.dtype for t in tensors if t is not None and t.array.dtype.kind in "fV"}
        if device is None or kernel is None or len(kinds) != 1:
            return self.formula(*tensors, **static)
        if next(iter(kinds)).itemsize == 2 and not getattr(kernel, "takes_half", False):
            return self.formula(*tensors, **static)
        edges = [None if t is None else edge_to(t) for t in tensors] if mode.enabled else []
        keep = any(edges)
        arrays = [None if t is None else t.array for t in tensors]
        outputs, residue = quiet.run(kernel.forward, device.xp, *arrays, keep=keep, **static)
        results = [wrap(output, device) for output in outputs]
        if keep:
            versions = [None if t is None else t.version[0] for t in tensors]
            node = Node(self, edges, (tensors, versions, residue, kernel), static, len(results))
            for index, result in enumerate(results):
                result.node, result.index, result.tracked = node, index, True
                if mode.anomaly:
                    look_for_nan(node, result)
        return results[0] if len(results) == 1 else tuple(results)

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        """Run the kernel's backward, or differentiate the formula where that is to be recorded."""
        tensors, versions, residue, kernel = node.saved
        for tensor, version in zip(tensors, versions, strict=True):
            if tensor is not None and tensor.version[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"an input of {node.name()} is at version {tensor.version[0]}; expected version {version}"
                )
        if mode.enabled or kernel.backward is None:
            return self.by_formula(tensors, gradients, needs, node.static)
        device = next(t for t in tensors if t is not None).device
        given = [None if g is None else g.array for g in gradients]
        arrays = [None if t is None else t.array for t in tensors]
        found = quiet.run(kernel.backward, device.xp, residue, given, arrays, needs, **node.static)
        return [None if array is None else wrap(array, device) for array in found]

    def by_formula(
        self,
        tensors: Sequence[Tensor | None],
        gradients: Sequence[Tensor | None],
        needs: Sequence[bool],
        static: dict[str, Any],
    ) -> list[Tensor | None]:
        """Return the gradients of the formula, recorded."""
        from stackgrad.autograd import grad

        with enable_grad():
            inputs = [
                None if t is None else t.alias() if need else t
                for t, need in zip(tensors, needs, strict=True)
            ]
            results = self.formula(*inputs, **static)
            outputs = list(results) if isinstance(results, tuple) else [results]
            pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None]
            wanted = [t for t, need in zip(inputs, needs, strict=True) if need]
            found = iter(
                grad(
                    [o for o, _ in pairs],
                    wanted,
                    [g for _, g in pairs],
                    create_graph=True,
                    allow_unused=True,
                )
            )
        return [next(found) if need else None for need in needs]
