"""Graphs to look at, as text and as DOT: of a tensor's history, and of captured steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from stackgrad.graph import Node
from stackgrad.tensor import Tensor


class Drawn(NamedTuple):
    """One node: what it is called, what it reads, what it makes, and where it stands in the program."""

    key: int
    name: str
    inputs: Sequence[int]
    outputs: Sequence[str]  # shape, type and device of each
    line: str = ""


def as_text(nodes: Iterable[Drawn]) -> str:
    """Return one line per node, in order: number, name, inputs, outputs, line of the program."""
    rows = [
        (
            f"%{node.key}",
            node.name,
            ", ".join(f"%{i}" for i in node.inputs),
            ", ".join(node.outputs),
            node.line,
        )
        for node in nodes
    ]
    widths = [min(max((len(r[i]) for r in rows), default=0), 60) for i in range(4)]
    return "\n".join(
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  ({c})".ljust(sum(widths[:3]) + 6)
        + f"  {d:<{widths[3]}}  {e}".rstrip()
        for a, b, c, d, e in rows
    )


def as_dot(nodes: Iterable[Drawn]) -> str:
    """Return a graph for Graphviz, which draws it by `dot -Tsvg`."""
    lines = ["digraph step {", "  node [shape=box, fontname=monospace];"]
    for node in nodes:
        label = "\\n".join(_escaped(part) for part in (node.name, *node.outputs) if part)
        tip = f', tooltip="{_escaped(node.line)}"' if node.line else ""
        lines.append(f'  n{node.key} [label="{label}"{tip}];')
        lines += [f"  n{i} -> n{node.key};" for i in node.inputs]
    return "\n".join([*lines, "}"])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def outline(shape: Iterable[int], kind: Any, device: Any) -> str:
    """Return `float32[2, 3] cpu`."""
    return f"{kind}{list(shape)} {device}"


def history(tensor: Tensor) -> list[Drawn]:
    """Return the nodes that `tensor` was made of, inputs first; leaves are among them."""
    root = tensor.grad_fn
    found: dict[Any, list[Any]] = {}
    made: dict[Any, str] = {}
    stack: list[Any] = [tensor if root is None else root]
    while stack:
        target = stack.pop()
        if target in found:
            continue
        edges = [edge for edge in target.edges if edge] if isinstance(target, Node) else []
        found[target] = [edge[0] for edge in edges]
        for source, _, shape, kind in edges:
            made[source] = outline(shape, kind, tensor.device)
        stack += found[target]
    made[tensor if root is None else root] = outline(
        tensor.array.shape, tensor.array.dtype, tensor.device
    )
    nodes = sorted((t for t in found if isinstance(t, Node)), key=lambda node: node.sequence)
    order: list[Any] = [*(t for t in found if not isinstance(t, Node)), *nodes]
    numbers = {id(target): place for place, target in enumerate(order)}
    return [
        Drawn(
            numbers[id(target)],
            target.op.name if isinstance(target, Node) else "leaf",
            [numbers[id(source)] for source in found[target]],
            [made.get(target, "")],
            _origin(target),
        )
        for target in order
    ]


def _origin(target: Any) -> str:
    """Return the line that made a node, which is known while anomalies are looked for."""
    origin = getattr(target, "origin", None)
    if not origin:
        return ""
    last = origin[-1]
    return f"{last.filename}:{last.lineno}"


def graph_text(tensor: Tensor) -> str:
    """Return the history of a tensor as text, one operation per line, inputs first."""
    return as_text(history(tensor))


def graph_dot(tensor: Tensor) -> str:
    """Return the history of a tensor as DOT."""
    return as_dot(history(tensor))
