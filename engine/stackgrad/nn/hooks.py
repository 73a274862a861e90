"""Hooks of modules: before and after `forward`, and in the backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stackgrad.grad_mode import mode
from stackgrad.graph import Handle, Node, edge_to
from stackgrad.tensor import Tensor, wrap

Gradients = tuple[Any, ...]


class _Gate:
    """Passes its inputs on, and their gradients through a function."""

    name = "backward_hook"
    fresh = False

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        """Return what the function makes of the gradients."""
        del needs
        return list(node.static(tuple(gradients)))


_gate = _Gate()


def gated(values: Any, watch: Callable[[Gradients], Gradients]) -> Any:
    """Return `values`, a tensor or a tuple, so that `watch` sees and may replace all their gradients at once."""
    lone = not isinstance(values, tuple)
    parts = [values] if lone else list(values)
    places = [i for i, p in enumerate(parts) if isinstance(p, Tensor) and p.requires_grad]
    if not mode.enabled or not places:
        return values
    tensors = [parts[i] for i in places]

    def pass_back(gradients: Gradients) -> Gradients:
        given = [None] * len(parts)
        for place, gradient in zip(places, gradients, strict=True):
            given[place] = gradient
        found = watch(tuple(given))
        return tuple(found[place] for place in places)

    node = Node(_gate, [edge_to(t) for t in tensors], None, pass_back, len(tensors))
    for index, (place, tensor) in enumerate(zip(places, tensors, strict=True)):
        made = wrap(tensor.array, tensor.device)
        made.version = tensor.version
        made.node, made.index, made.tracked = node, index, True
        parts[place] = made
    return parts[0] if lone else tuple(parts)


class Hooked:
    """What a module needs for hooks: its dicts of them, and `forward`."""

    forward: Callable[..., Any]
    _forward_pre_hooks: dict[int, Any]
    _forward_hooks: dict[int, Any]
    _backward_hooks: dict[int, Any]
    _backward_pre_hooks: dict[int, Any]

    def call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run `forward` with the hooks around it."""
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            found = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if found is not None and with_kwargs:
                args, kwargs = found
            elif found is not None:
                args = found if isinstance(found, tuple) else (found,)
        held: list[Gradients] = []
        watched = bool(self._backward_hooks or self._backward_pre_hooks)
        has_inputs = any(isinstance(a, Tensor) and a.requires_grad for a in args)
        if watched:
            args = gated(args, lambda g: self._leave(g, held[0] if held else ()))
        result = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks.values()):
            found = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            result = result if found is None else found
        if watched:
            none = (None,) * len(args)
            result = gated(result, lambda g: self._enter(g, held, None if has_inputs else none))
        return result

    def _enter(self, gradients: Gradients, held: list[Gradients], inputs: Any) -> Gradients:
        """Note the gradients of the outputs; where no input wants any, the hooks are called now."""
        for hook in list(self._backward_pre_hooks.values()):
            found = hook(self, gradients)
            if found is not None:
                gradients = found if isinstance(found, tuple) else (found,)
        held[:] = [gradients]
        if inputs is not None:
            self._leave(inputs, gradients)
        return gradients

    def _leave(self, inputs: Gradients, outputs: Gradients) -> Gradients:
        for hook in list(self._backward_hooks.values()):
            found = hook(self, inputs, outputs)
            if found is not None:
                inputs = found if isinstance(found, tuple) else (found,)
        return inputs

    def register_forward_pre_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> Handle:
        """Call `hook(module, args)` before `forward`; it may return other arguments."""
        return Handle.add(self._forward_pre_hooks, (hook, with_kwargs), first=prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call `hook(module, args, output)` after `forward`; it may return another output."""
        if always_call:
            raise NotImplementedError(
                "register_forward_hook(always_call=True) is not implemented in stackgrad"
            )
        return Handle.add(self._forward_hooks, (hook, with_kwargs), first=prepend)

    def register_full_backward_hook(
        self,
        hook: Callable[..., Any],
        prepend: bool = False,
    ) -> Handle:
        """Call `hook(module, grad_input, grad_output)` in the backward pass; it may return another grad_input."""
        return Handle.add(self._backward_hooks, hook, first=prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call `hook(module, grad_output)` in the backward pass; it may return another grad_output."""
        return Handle.add(self._backward_pre_hooks, hook, first=prepend)
