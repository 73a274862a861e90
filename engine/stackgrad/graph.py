"""The computation graph and reverse-mode differentiation of any order.

A node remembers which operation made a tensor and what that operation's rules need. Nodes are
numbered as they are made, so the numbers are a topological order: `propagate` always takes the
pending node with the highest number, whose gradient is then complete. Nothing recurses, and a
tensor never refers to itself through its node, so a graph is freed the moment it is dropped.

An edge is `(target, index, shape, dtype)`: `target` is the node that made the input (and `index`
which of its outputs it is), or the tensor itself where it is a leaf.
"""

from __future__ import annotations

import heapq
import itertools
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from stackgrad.arrays import owns_memory
from stackgrad.grad_mode import mode, set_grad_enabled

if TYPE_CHECKING:
    from stackgrad.tensor import Tensor

_sequence = itertools.count()
RELEASED: tuple[Any, ...] = ()


class Differentiable(Protocol):
    """What a node needs of the operation that it records."""

    name: str
    fresh: bool  # its gradients are new arrays, which nobody else holds

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> Sequence[Tensor | None]:
        """Return one gradient per edge, None where it is not needed or zero."""


class Node:
    """One recorded operation: its edges, the values that it saved, and its place in the order."""

    __slots__ = (
        "__weakref__",
        "edges",
        "op",
        "origin",
        "outputs",
        "post_hooks",
        "pre_hooks",
        "saved",
        "sequence",
        "static",
    )

    def __init__(
        self, op: Differentiable, edges: list[Any], saved: Any, static: Any, outputs: int = 1
    ) -> None:
        self.op, self.edges, self.saved, self.static = op, edges, saved, static
        self.outputs = outputs
        self.sequence = next(_sequence)
        self.pre_hooks: dict[int, tuple[int, Callable[[Tensor], Any]]] | None = None
        self.post_hooks: dict[int, Callable[..., Any]] | None = None
        self.origin = traceback.extract_stack()[:-2] if mode.anomaly else None

    def name(self) -> str:
        """Return the name of the operation as PyTorch prints it: `MulBackward0`."""
        return "".join(part.capitalize() for part in self.op.name.split("_")) + "Backward0"

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes of the inputs, each with the index of the output that it made."""
        return tuple((None, 0) if e is None else (e[0], e[1]) for e in self.edges)

    def register_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(input_gradients, output_gradients)` after this node's backward."""
        self.post_hooks = self.post_hooks if self.post_hooks is not None else {}
        return Handle.add(self.post_hooks, hook)


class Handle:
    """Removes a hook again: call `remove()`, or use it in a `with` statement."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks, self.id = hooks, key

    @classmethod
    def add(cls, hooks: dict[int, Any], hook: Any, *, first: bool = False) -> Handle:
        """Put `hook` after the other hooks, or before them, and return its handle."""
        key, others = next(_sequence), dict(hooks) if first else {}
        for other in others:
            del hooks[other]
        hooks[key] = hook
        hooks.update(others)
        return cls(hooks, key)

    def remove(self) -> None:
        """Take the hook out; nothing happens the second time."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Handle:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def edge_to(tensor: Tensor) -> tuple[Any, int, tuple[int, ...], Any] | None:
    """Return the edge by which a gradient reaches `tensor`; None where none is wanted."""
    if tensor.viewed is not None:
        tensor.follow_base()
    if not tensor.tracked:
        return None
    node, array = tensor.node, tensor.array
    return (tensor if node is None else node), tensor.index, array.shape, array.dtype


def fit(gradient: Tensor, shape: tuple[int, ...], kind: Any) -> Tensor:
    """Sum what broadcasting had spread and cast back what promotion had widened."""
    if gradient.array.shape != shape:
        gradient = gradient.sum_to_size(shape)
    if gradient.array.dtype != kind:
        gradient = gradient.astype(kind)
    return gradient


def propagate(
    roots: Sequence[Tensor],
    gradients: Sequence[Tensor],
    *,
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Tensor] | None,
) -> dict[Any, Tensor]:
    """Send `gradients` of `roots` down the graph; return what arrived, by `(target, index)`.

    Without `inputs` it is what reached the leaves. With them it is what reached each of them, and
    only nodes from which one of them can be reached are run.
    """
    edges = [edge_to(root) for root in roots]
    wanted = None if inputs is None else {edge[:2] for edge in map(edge_to, inputs) if edge}
    useful = None if wanted is None else _leading_to(wanted, edges)
    flow = _Flow(wanted)
    with set_grad_enabled(create_graph):
        for edge, gradient in zip(edges, gradients, strict=True):
            if edge is not None:
                flow.deliver(edge, gradient)
        while flow.heap:
            node = heapq.heappop(flow.heap)[1]
            received = flow.take(node)
            needs = [e is not None and (useful is None or e[0] in useful) for e in node.edges]
            if True not in needs:
                continue
            results = _run(node, received, needs)
            for need, edge, result in zip(needs, node.edges, results, strict=True):
                if need and result is not None:
                    flow.deliver(edge, result, node, received)
            if not retain_graph:
                node.saved = RELEASED
        flow.finish(copy=not create_graph)
    return flow.arrived


class _Flow:
    """Gradients on their way: sums per target, and the nodes that wait, latest first."""

    def __init__(self, wanted: set[Any] | None) -> None:
        self.wanted = wanted
        self.heap: list[tuple[int, Node]] = []
        self.pending: dict[Any, list[Tensor | None]] = {}
        self.shared: set[int] = set()  # leaves whose only gradient may be held by someone else
        self.arrived: dict[Any, Tensor] = {}

    def deliver(
        self, edge: Any, gradient: Tensor, source: Node | None = None, received: Sequence[Any] = ()
    ) -> None:
        """Add a gradient, which `source` made of `received`, to what the target of `edge` has."""
        target, index, shape, kind = edge
        array = gradient.array
        if array.shape != shape or array.dtype != kind:
            gradient = fit(gradient, shape, kind)
        held = self.pending.get(target)
        if held is None:
            if target.__class__ is Node:
                held = self.pending[target] = [None] * target.outputs
                heapq.heappush(self.heap, (-target.sequence, target))
            else:
                held = self.pending[target] = [None]
                if source is None or not _made_anew(gradient, source, received):
                    self.shared.add(id(target))
        previous = held[index]
        if previous is None:
            held[index] = gradient
        else:
            held[index] = previous + gradient
            self.shared.discard(id(target))

    def take(self, node: Node) -> list[Tensor | None]:
        """Return the complete gradients of a node's outputs, after their hooks."""
        received = self.pending.pop(node)
        if node.pre_hooks:
            for index, hook in list(node.pre_hooks.values()):
                received[index] = _call(hook, received[index])
        if self.wanted is not None:
            for index, gradient in enumerate(received):
                if gradient is not None and (node, index) in self.wanted:
                    self.arrived[node, index] = gradient
        return received

    def finish(self, *, copy: bool) -> None:
        """Record what reached the leaves, after their hooks; `copy` what others hold as well."""
        for leaf, (gradient,) in self.pending.items():
            if gradient is None or (self.wanted is not None and (leaf, 0) not in self.wanted):
                continue
            for hook in list((leaf.hooks or {}).values()):
                gradient = _call(hook, gradient)  # noqa: PLW2901
            self.arrived[leaf, 0] = (
                gradient.clone() if copy and id(leaf) in self.shared else gradient
            )


def present(gradients: Sequence[Tensor | None]) -> list[Tensor]:
    """Return the gradients that exist; of a node with one output that is always one."""
    return [gradient for gradient in gradients if gradient is not None]


def _call(hook: Callable[[Tensor], Any], gradient: Any) -> Any:
    """Return the gradient that a hook puts in the place of `gradient`."""
    changed = None if gradient is None else hook(gradient)
    return gradient if changed is None else changed


def _made_anew(gradient: Tensor, source: Node, received: Sequence[Any]) -> bool:
    """Whether `gradient` is an array that nobody else holds."""
    if not source.op.fresh or not owns_memory(gradient.array):
        return False
    return not any(gradient is other for other in received)


def _run(node: Node, received: list[Tensor | None], needs: list[bool]) -> Sequence[Tensor | None]:
    """Run one node backwards; return the gradients of its inputs."""
    if node.saved is RELEASED:
        raise RuntimeError(
            "Trying to backward through the graph a second time: its saved values were freed by the "
            "first. Pass retain_graph=True to the first backward() or grad()"
        )
    results = node.op.backward(node, received, needs)
    if node.origin is not None:
        _check_finite(node, results)
    if node.post_hooks:
        for hook in list(node.post_hooks.values()):
            hook(results, received)
    return results


def _leading_to(wanted: set[Any], edges: Sequence[Any]) -> set[Any]:
    """Return the targets under `edges` that are wanted or lead to one that is."""
    seen: set[Node] = set()
    stack = [edge[0] for edge in edges if edge is not None]
    while stack:
        target = stack.pop()
        if isinstance(target, Node) and target not in seen:
            seen.add(target)
            stack += [edge[0] for edge in target.edges if edge is not None]
    useful = {target for target, _ in wanted}
    for node in sorted(seen, key=lambda node: node.sequence):
        if any(edge is not None and edge[0] in useful for edge in node.edges):
            useful.add(node)
    return useful


def _check_finite(node: Node, results: Iterable[Tensor | None]) -> None:
    for number, result in enumerate(results):
        if result is not None and bool(result.isnan().any()):
            lines = "".join(traceback.format_list(node.origin or []))
            text = (
                f"Function {node.name()!r} returned nan values in its {number}th output. "
                f"The forward call was made here:\n{lines}"
            )
            if mode.first_nan is not None and mode.first_nan is not node:
                lines = "".join(traceback.format_list(mode.first_nan.origin or []))
                text += f"The first nan of the forward pass is the result of this call:\n{lines}"
            raise RuntimeError(text)


def look_for_nan(node: Node, result: Tensor) -> None:
    """Remember the node if its result is the first with a NaN since anomalies are looked for."""
    if mode.first_nan is None and bool(result.detach().isnan().any()):
        mode.first_nan = node
