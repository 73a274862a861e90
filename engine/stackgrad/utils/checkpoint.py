"""Activations computed again in the backward pass in the place of being kept (Chen et al., 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stackgrad import amp, random
from stackgrad.grad_mode import enable_grad, mode, no_grad
from stackgrad.graph import Node, edge_to, propagate
from stackgrad.tensor import Tensor


class _Again:
    """The operation of a checkpoint: runs its function again, with the same random numbers."""

    name = "checkpoint"
    fresh = False

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], state: Any) -> None:
        self.function, self.options, self.state = function, options, state
        kind, place = amp.state.dtype, amp.state.device_type
        self.precision = amp.autocast(place, kind, kind is not None)

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        """Differentiate the function where its inputs are; leaves inside it get their share, too."""
        if mode.enabled:
            raise NotImplementedError("checkpoint: a gradient of a gradient is not implemented")
        now = random.get_rng_state() if self.state is not None else None
        if self.state is not None:
            random.set_rng_state(self.state)
        inputs = [
            a.detach().requires_grad_() if need else a
            for a, need in zip(node.saved, needs, strict=True)
        ]
        with enable_grad(), self.precision:
            outputs = _tensors(self.function(*inputs, **self.options))
        if now is not None:
            random.set_rng_state(now)
        pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None]
        arrived = propagate(
            [o for o, _ in pairs],
            [g for _, g in pairs],
            retain_graph=False,
            create_graph=False,
            inputs=None,
        )
        own = {id(i) for i, need in zip(inputs, needs, strict=True) if need}
        for (leaf, _), gradient in arrived.items():
            if id(leaf) not in own:
                leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
        return [
            arrived.get((i, 0)) if need else None for i, need in zip(inputs, needs, strict=True)
        ]


def _tensors(value: Any) -> list[Tensor]:
    return [t for t in (value if isinstance(value, tuple) else (value,)) if isinstance(t, Tensor)]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Return function(*args), keeping only its inputs; the backward pass runs it again.

    Where no tensor among `args` wants a gradient, the call is recorded as usual and nothing is saved.
    `use_reentrant` and `early_stop` choose among PyTorch's ways to the same gradients; **kwargs go to
    `function`.
    """
    del use_reentrant, early_stop
    if context_fn is not None or debug or determinism_check not in ("default", "none"):
        raise NotImplementedError(
            "checkpoint(context_fn=, determinism_check=, debug=) are not implemented in stackgrad"
        )
    edges = [edge_to(a) if isinstance(a, Tensor) else None for a in args]
    if not mode.enabled or not any(edges):  # its own parameters may want gradients all the same
        return function(*args, **kwargs)
    state = random.get_rng_state() if preserve_rng_state else None
    with no_grad():
        result = function(*args, **kwargs)
    outputs = _tensors(result)
    node = Node(_Again(function, kwargs, state), edges, args, None, len(outputs))
    for index, output in enumerate(outputs):
        if output.dtype.is_floating_point:
            output.node, output.index, output.tracked = node, index, True
    return result


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """Run a sequence of modules in `segments` parts, each a checkpoint but the last."""
    options = {"use_reentrant": use_reentrant, "preserve_rng_state": preserve_rng_state}
    modules = list(functions)
    size = len(modules) // segments

    def run(start: int, stop: int) -> Callable[[Any], Any]:
        def run_part(x: Any) -> Any:
            for module in modules[start:stop]:
                x = module(x)
            return x

        return run_part

    for number in range(segments - 1):
        part = run(number * size, (number + 1) * size)
        input = checkpoint(part, input, **options)  # type: ignore[arg-type]
    return run((segments - 1) * size, len(modules))(input)
