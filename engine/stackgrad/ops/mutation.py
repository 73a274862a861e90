"""Writing in place: memory, versions and history of a tensor, of its base and of its views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackgrad import dtypes
from stackgrad.arrays import quiet
from stackgrad.grad_mode import mode
from stackgrad.graph import Node, edge_to, present
from stackgrad.tensor import Tensor, wrap


class _Scatter:
    """`base` with the region of a view replaced by `value`: what writing to a view does."""

    name = "copy_slices"
    fresh = False

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        (gradient,) = present(gradients)
        path = node.static["path"]
        found: list[Tensor | None] = [None, None]
        if needs[0]:
            rest = gradient.contiguous().clone()
            follow(rest, path).zero_()
            found[0] = rest
        if needs[1]:
            found[1] = follow(gradient, path)
        return found


def follow(base: Tensor, path: Sequence[tuple[Any, dict[str, Any]]]) -> Tensor:
    """Apply the view operations of `path`, outermost first, to `base`."""
    for operation, static in path:
        base = operation(base, **static)
    return base


_scatter = _Scatter()


def overwrite(target: Tensor, result: Tensor) -> Tensor:
    """Copy `result` into the memory of `target`, which takes over the history of `result`.

    Raises RuntimeError where PyTorch does: a leaf that requires grad, a result of another shape,
    or of a type that does not fit (a float into integers).
    """
    check_writable(target)
    array, new = target.array, result.array
    if new.shape != array.shape:
        raise RuntimeError(
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(new.shape)}"
        )
    if new.dtype != array.dtype:
        into, what = dtypes.of(array), dtypes.of(new)
        if what.category > into.category:
            raise RuntimeError(
                f"result type {what} can't be cast to the desired output type {into}"
            )
        result = result.astype(array.dtype)
    if result.node is not None:
        _keep_old_value(target, result.node)
    quiet.run(_copy, array, result.array)
    adopt(target, result)
    return target


def _keep_old_value(target: Tensor, node: Node) -> None:
    """Give the node of `x.mul_(y)`, which needs x as it was, a copy of it."""
    saved = node.saved if isinstance(node.saved, list) else []
    for place, (name, value, _) in enumerate(saved):
        if value is target:
            old = wrap(target.array.copy(), target.device)
            old.node, old.index, old.tracked = target.node, target.index, target.tracked
            saved[place] = (name, old, 0)


def _copy(array: Any, value: Any) -> None:
    array[...] = value


def check_writable(target: Tensor) -> None:
    """Raise RuntimeError where recording is on and `target` is a leaf that requires grad, or a view of one."""
    if not mode.enabled:
        return
    base = target._base  # noqa: SLF001
    owner = target if base is None else base
    if owner.tracked and owner.node is None:
        what = "a leaf Variable" if base is None else "a view of a leaf Variable"
        raise RuntimeError(f"{what} that requires grad is being used in an in-place operation.")
    if base is not None and target.viewed is not None and not target.viewed[3] and base.tracked:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled"
        )


def adopt(target: Tensor, result: Tensor) -> None:
    """Count a write to `target`, and give it, its base and its views the history of `result`."""
    target.version[0] += 1
    if not mode.enabled or not (result.requires_grad or target.requires_grad):
        return
    base = target._base  # noqa: SLF001
    if base is None:
        target.node, target.index, target.tracked = result.node, result.index, result.tracked
    else:
        path, view = [], target.viewed
        while view is not None:
            path.append((view[1], view[2]))
            view = view[0].viewed
        static = {"path": path[::-1]}
        base.node = Node(_scatter, [edge_to(base), edge_to(result)], None, static)
        base.index, base.tracked = 0, True
    target.version[1] += 1
