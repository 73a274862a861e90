"""Operations that users define: `autograd.Function` as in PyTorch."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from stackgrad.arrays import quiet
from stackgrad.grad_mode import mode, no_grad
from stackgrad.graph import Node, edge_to
from stackgrad.tensor import Tensor, wrap


class Context:
    """What `forward` leaves for `backward`."""

    def __init__(self) -> None:
        self._saved: tuple[tuple[Tensor | None, int], ...] = ()
        self._outputs: dict[int, int] = {}  # place among the saved to number of the output
        self.not_differentiable: set[int] = set()
        self.dirty: tuple[Tensor, ...] = ()
        self.materialize = True
        self.needs_input_grad: tuple[bool, ...] = ()
        self._node: weakref.ref[Node] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs of the operation; a later write to one is found out."""
        self._saved = tuple((t, 0 if t is None else t.version[0]) for t in tensors)

    def release_outputs(self, outputs: Sequence[Tensor]) -> None:
        """Keep aliases in the place of outputs, which refer to the node and so to this context."""
        numbers = {id(output): index for index, output in enumerate(outputs)}
        saved: list[tuple[Tensor | None, int]] = []
        for place, (tensor, version) in enumerate(self._saved):
            if tensor is not None and id(tensor) in numbers:
                self._outputs[place] = numbers[id(tensor)]
                saved.append((tensor.detach(), version))
            else:
                saved.append((tensor, version))
        self._saved = tuple(saved)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that were kept."""
        node = None if self._node is None else self._node()
        if node is not None and node.saved is not self:
            raise RuntimeError("Trying to backward through the graph a second time")
        found: list[Tensor | None] = []
        for place, (tensor, version) in enumerate(self._saved):
            if tensor is not None and tensor.version[0] != version:
                raise RuntimeError("a saved tensor has been modified by an inplace operation")
            if tensor is not None and place in self._outputs and mode.enabled:
                alias = tensor.detach()
                alias.node, alias.index, alias.tracked = node, self._outputs[place], True
                found.append(alias)
            else:
                found.append(tensor)
        return tuple(found)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Tell that these outputs have no gradient."""
        self.not_differentiable |= {id(t) for t in tensors}

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Tell that these inputs were written to."""
        self.dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a gradient that does not exist arrives as zeros (the default) or as None."""
        self.materialize = value


class _Custom:
    """The operation that a node of a `Function` records."""

    fresh = False

    def __init__(self, cls: type[Function], shapes: list[tuple[Any, ...]]) -> None:
        self.cls, self.name, self.shapes = cls, cls.__name__, shapes

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        context = node.saved
        given = list(gradients)
        if context.materialize:
            for i, (shape, kind, device) in enumerate(self.shapes):
                if given[i] is None:
                    given[i] = wrap(quiet.run(device.xp.zeros, shape, kind), device)
        found = self.cls.backward(context, *given)
        results = list(found) if isinstance(found, tuple) else [found]
        if len(results) < len(needs) or any(r is not None for r in results[len(needs) :]):
            raise RuntimeError(
                f"function {self.name}Backward returned an incorrect number of gradients "
                f"(expected {len(needs)}, got {len(results)})"
            )
        return results[: len(needs)]


class Function:
    """Base of operations with their own `forward(ctx, ...)` and `backward(ctx, ...)`."""

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return one gradient (or None) per argument of `forward`."""
        raise NotImplementedError(
            "You must implement the backward function for custom autograd.Function."
        )

    setup_context: Any = None

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` unrecorded and put one node in its place."""
        context = Context()
        edges = [edge_to(a) if isinstance(a, Tensor) else None for a in args]
        context.needs_input_grad = tuple(e is not None for e in edges)
        with no_grad():
            if cls.setup_context is None:
                result = cls.forward(context, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(context, args, result)
        outputs = list(result) if isinstance(result, tuple) else [result]
        inputs = {id(a) for a in args if isinstance(a, Tensor)}
        dirty = {id(t) for t in context.dirty}
        outputs = [o.alias() if id(o) in inputs and id(o) not in dirty else o for o in outputs]
        for tensor in context.dirty:
            tensor.version[0] += 1
        if mode.enabled and any(edges):
            tensors = [o for o in outputs if isinstance(o, Tensor)]
            shapes = [(o.array.shape, o.array.dtype, o.device) for o in tensors]
            node = Node(_Custom(cls, shapes), edges, context, None, len(tensors))
            context._node = weakref.ref(node)  # noqa: SLF001
            context.release_outputs(tensors)
            for index, output in enumerate(tensors):
                if id(output) not in context.not_differentiable and output.dtype.is_floating_point:
                    output.node, output.index, output.tracked = node, index, True
        return tuple(outputs) if isinstance(result, tuple) else outputs[0]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that is not differentiable itself."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            return backward(ctx, *gradients)

    return wrapper
