"""`torch.autograd.functional`: derivatives of functions, as matrices and as products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackgrad import autograd, func
from stackgrad.grad_mode import enable_grad
from stackgrad.tensor import Tensor

Inputs = Tensor | tuple[Tensor, ...]


def _refuse(name: str, strict: bool, vectorize: bool, strategy: str) -> None:
    if strict:
        raise NotImplementedError(f"{name}(strict=True) is not implemented in stackgrad")
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(
            f"Expected strategy to be 'reverse-mode' or 'forward-mode', not {strategy!r}"
        )
    del vectorize  # how PyTorch runs it


def _plain(value: Any, create_graph: bool) -> Any:
    return (
        value
        if create_graph
        else func.rebuilt(value, iter([t.detach() for t in func.leaves(value)]))
    )


def _tuple(inputs: Inputs) -> tuple[Tensor, ...]:
    return (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)


def _tracking(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    return tuple(
        t.alias() if create_graph and t.requires_grad else t.detach().requires_grad_()
        for t in inputs
    )


def jacobian(
    func: Callable[..., Any],
    inputs: Inputs,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian (*output, *input), a tuple per input where there are several, per output likewise."""
    from stackgrad.func import _rows

    _refuse("jacobian", strict, vectorize, strategy)
    given = _tracking(_tuple(inputs), create_graph)
    with enable_grad():
        output = func(*given)
    lone = isinstance(output, Tensor)
    outputs = (output,) if lone else output
    rows: list[Any] = [tuple(_rows(o, list(given), create_graph)) for o in outputs]
    rows = [row[0] if isinstance(inputs, Tensor) else row for row in rows]
    return _plain(rows[0] if lone else tuple(rows), create_graph)


def hessian(
    func: Callable[..., Tensor],
    inputs: Inputs,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the second derivatives of a function of one number."""
    _refuse("hessian", strict, vectorize, outer_jacobian_strategy)

    def first(*given: Tensor) -> Any:
        found = jacobian(func, given, create_graph=True)
        return found[0] if isinstance(inputs, Tensor) else found

    return jacobian(first, inputs, create_graph)


def vjp(
    func: Callable[..., Any],
    inputs: Inputs,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return func(*inputs) and v times its Jacobian."""
    _refuse("vjp", strict, vectorize=False, strategy="reverse-mode")
    given = _tracking(_tuple(inputs), create_graph)
    with enable_grad():
        output = func(*given)
        found = autograd.grad(output, given, v, create_graph=create_graph, materialize_grads=True)
    result = found[0] if isinstance(inputs, Tensor) else found
    return _plain(output, create_graph), _plain(result, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Inputs,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """Return func(*inputs) and its Jacobian times v."""
    from stackgrad.func import jvp as push

    if strict or create_graph:
        raise NotImplementedError("jvp(create_graph=, strict=) are not implemented in stackgrad")
    given = _tuple(inputs)
    tangents = tuple(t * 0 + 1 for t in given) if v is None else _tuple(v)
    values, pushed = push(func, given, tangents)
    return values, pushed


def vhp(
    func: Callable[..., Tensor],
    inputs: Inputs,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensor, Any]:
    """Return func(*inputs), a number, and v times its matrix of second derivatives."""
    _refuse("vhp", strict, vectorize=False, strategy="reverse-mode")
    given = _tracking(_tuple(inputs), create_graph)
    with enable_grad():
        output = func(*given)
        first = autograd.grad(output, given, create_graph=True, materialize_grads=True)
        weights = None if v is None else _tuple(v)
        found = autograd.grad(
            first, given, weights, create_graph=create_graph, materialize_grads=True
        )
    result = found[0] if isinstance(inputs, Tensor) else found
    return _plain(output, create_graph), _plain(result, create_graph)


hvp = vhp  # the matrix is symmetric
