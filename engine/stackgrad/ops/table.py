"""What an operation is: a function of arrays, and one rule per differentiable parameter.

    exp = unary("exp", lambda xp, x: xp.exp(x), x=lambda g, y: g * y)

`xp` is the array module of the device. A rule asks by name for what it needs: `g` is the gradient
of the output, `y` the output, and any parameter of the function is that parameter; `x_shape`,
`x_kind` and `x_device` are what can be known of `x` without keeping it. What no rule asks for is
not kept. Rules are written in public operations, so a gradient is differentiable
like anything else.

Positional parameters of the function are tensors (or numbers), keyword-only ones are static.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from typing import cast as typed

import numpy as np

from stackgrad import dtypes
from stackgrad.arrays import Array, quiet
from stackgrad.device import Device
from stackgrad.grad_mode import mode
from stackgrad.graph import Node, edge_to, look_for_nan
from stackgrad.tensor import Tensor, share, wrap

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]] = {}  # the names that the package itself exports
_scalars: dict[tuple[Any, float], Any] = {}
_REMEMBERED = 1024
_FACTS: dict[str, Callable[[Tensor], Any]] = {
    "shape": lambda x: x.array.shape,
    "kind": lambda x: x.array.dtype,
    "device": lambda x: x.device,
}


class Op:
    """One line of the table. Calling it runs the function and records it where that is wanted."""

    __slots__ = ("_plans", "forward", "fresh", "name", "parameters", "rules", "view", "wants")

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        rules: dict[str, Callable[..., Any]],
        *,
        view: bool = False,
    ) -> None:
        code = forward.__code__
        self.name, self.forward, self.view, self.fresh = name, forward, view, True
        if code.co_name == "<lambda>":
            forward.__qualname__ = name  # by which a captured graph prints it
        self.parameters: tuple[str, ...] = code.co_varnames[1 : code.co_argcount]
        self.rules = [rules.get(parameter) for parameter in self.parameters]
        self.wants = [() if rule is None else _names(rule) for rule in self.rules]
        static = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        facts = {f"{parameter}_{fact}" for parameter in self.parameters for fact in _FACTS}
        known = {"g", "y", *self.parameters, *static, *facts}
        if strange := {name for wants in self.wants for name in wants} - known:
            raise TypeError(f"{name}: a rule asks for {sorted(strange)}, which nobody knows")
        self._plans: dict[tuple[bool, ...], list[tuple[str, int, Any]]] = {}
        if {"g", "y"} & set(self.parameters):
            raise TypeError(f"{name}: 'g' and 'y' are the rules' names for gradient and output")
        if unknown := set(rules) - set(self.parameters):
            raise TypeError(
                f"{name}: rules for {sorted(unknown)}, which are no parameters of its function"
            )

    def __call__(self, *tensors: Any, **static: Any) -> Tensor:
        """Apply the operation to tensors, numbers and None; the first tensor gives the device."""
        device, arrays, tracked = None, [], False
        for tensor in tensors:
            if isinstance(tensor, Tensor):
                arrays.append(tensor.array)
                device = tensor.device if device is None else meet(device, tensor)
                tracked = tracked or tensor.tracked or tensor.viewed is not None
            else:
                arrays.append(tensor)
        return self.run(device, arrays, tensors, static, tracked)

    def run(
        self,
        device: Device | None,
        arrays: Sequence[Array],
        tensors: Sequence[Any],
        static: dict[str, Any],
        tracked: bool,
    ) -> Tensor:
        """Run on `arrays`, which are those of `tensors`, cast where promotion asked for it."""
        if device is None:
            raise TypeError(
                f"{self.name}(): expected a Tensor, got {[type(t).__name__ for t in tensors]}"
            )
        out = quiet.run(self.forward, device.xp, *arrays, **static)
        if not isinstance(out, device.array_type):
            out = device.xp.asarray(out)
        result = wrap(out, device)
        if self.view:
            share(result, tensors[0], self, static)
        if tracked and mode.enabled and out.dtype.kind in "fV":
            edges = [edge_to(t) if isinstance(t, Tensor) else None for t in tensors]
            if any(edges):
                result.node = self.node(edges, tensors, static, result)
                result.tracked = True
                if mode.anomaly:
                    look_for_nan(result.node, result)
        return result

    def node(
        self, edges: list[Any], tensors: Sequence[Any], static: dict[str, Any], result: Tensor
    ) -> Node:
        """Return the node that records this call, with what the rules of its inputs ask for."""
        saved: list[tuple[str, Any, int | None]] = []
        for name, position, fact in self._plan(tuple([edge is not None for edge in edges])):
            if fact is not None:
                saved.append((name, fact(tensors[position]), None))
            elif position < 0:
                saved.append(
                    (name, (result.array, result.device, result.version), result.version[0])
                )
            else:
                value = tensors[position]
                saved.append((name, value, value.version[0] if isinstance(value, Tensor) else None))
        return Node(self, edges, saved, static)

    def _plan(self, mask: tuple[bool, ...]) -> list[tuple[str, int, Any]]:
        """Return the values to save, as (name, position, fact), where `mask` inputs want a gradient."""
        plan = self._plans.get(mask)
        if plan is None:
            plan = self._plans[mask] = []
            names = {
                name
                for wants, wanted in zip(self.wants, mask, strict=True)
                if wanted
                for name in wants
            }
            for name in sorted(names):
                parameter, _, fact = name.rpartition("_")
                if name in self.parameters:
                    plan.append((name, self.parameters.index(name), None))
                elif name == "y":
                    plan.append((name, -1, None))
                elif parameter in self.parameters and fact in _FACTS:
                    plan.append((name, self.parameters.index(parameter), _FACTS[fact]))
        return plan

    def backward(
        self, node: Node, gradients: Sequence[Tensor | None], needs: Sequence[bool]
    ) -> list[Tensor | None]:
        """Apply the rules of the inputs that need a gradient."""
        values: dict[str, Any] = {"g": gradients[0], **node.static}
        for name, value, version in node.saved:
            values[name] = value if version is None else unpack(name, value, version, node)
        found: list[Tensor | None] = []
        for place, need in enumerate(needs):
            rule = self.rules[place] if need else None
            if rule is not None:
                found.append(rule(*[values[name] for name in self.wants[place]]))
            elif need:
                raise NotImplementedError(
                    f"{self.name}() has no derivative with respect to {self.parameters[place]!r}"
                )
            else:
                found.append(None)
        return found


def unpack(name: str, value: Any, version: int, node: Node) -> Tensor:
    """Return a saved tensor; RuntimeError if it was written to since it was saved."""
    if isinstance(value, Tensor):
        tensor, counter = value, value.version
    else:
        array, device, counter = value
        tensor = wrap(array, device)
        if mode.enabled:
            tensor.node, tensor.tracked = node, True
    if counter[0] != version:
        raise RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"{tensor.array.shape} ({name!r} of {node.name()}) is at version {counter[0]}; expected version {version}"
        )
    return tensor


def meet(device: Device, tensor: Tensor) -> Device:
    """Return the device of an operation; a number-like CPU tensor goes wherever the others are."""
    if tensor.device is device:
        return device
    raise RuntimeError(
        f"Expected all tensors to be on the same device, but found at least two devices, {device} and {tensor.device}!"
    )


def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    return names


def cast(array: Array, kind: Any) -> Array:
    """Return `array` as NumPy dtype `kind`; itself if it has it."""
    return array if array.dtype == kind else quiet.run(array.astype, kind)


def unary(
    name: str,
    forward: Callable[..., Any],
    *,
    to_float: bool = True,
    method: bool = True,
    **rules: Callable[..., Any],
) -> Callable[[Tensor], Tensor]:
    """Add an operation on one tensor; integers become the default float type if `to_float`."""
    op = Op(name, forward, rules)

    def call(input: Tensor) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): expected a Tensor, not {type(input).__name__}")
        array = input.array
        if to_float and array.dtype.kind in "iub":
            array = array.astype(dtypes.get_default_dtype().numpy)
        return op.run(
            input.device, (array,), (input,), {}, input.tracked or input.viewed is not None
        )

    return publish(name, call, op, method=method, inplace=method)


def binary(
    name: str,
    forward: Callable[..., Any],
    *,
    to_float: bool = False,
    method: bool = True,
    **rules: Callable[..., Any],
) -> Callable[..., Tensor]:
    """Add an operation on two tensors, or a tensor and a number, that broadcasts and promotes."""
    op = Op(name, forward, rules)

    def call(input: Any, other: Any) -> Tensor:
        if isinstance(input, Tensor):
            x, device = input.array, input.device
            tracked = input.tracked or input.viewed is not None
            if isinstance(other, Tensor):
                y = other.array
                tracked = tracked or other.tracked or other.viewed is not None
                if device is not other.device:
                    device, input, other = bring_together(input, other)
                    x, y = input.array, other.array
                if x.dtype is not y.dtype or to_float:
                    x, y = align(input, other, x, y, device, to_float)
            elif isinstance(other, (float, int)) and x.dtype.kind == "f":
                y = scalar(x.dtype, other)
            else:
                x, y = align(input, other, x, other, device, to_float)
        else:
            if not isinstance(other, Tensor):
                raise TypeError(
                    f"{name}(): expected a Tensor, not {type(input).__name__} and {type(other).__name__}"
                )
            device, tracked = other.device, other.tracked or other.viewed is not None
            x, y = align(input, other, input, other.array, device, to_float)
        return op.run(device, (x, y), (input, other), {}, tracked)

    return publish(name, call, op, method=method, inplace=method)


def scalar(kind: Any, number: float) -> Any:
    """Return a Python number as one of NumPy of dtype `kind`; the usual ones are remembered."""
    if number != number or not number:  # NaN, and zeros whose sign counts  # noqa: PLR0124
        return quiet.run(kind.type, number)
    found = _scalars.get((kind, number))
    if found is None:
        if len(_scalars) >= _REMEMBERED:
            _scalars.clear()
        found = _scalars[kind, number] = quiet.run(kind.type, number)
    return found


def bring_together(a: Tensor, b: Tensor) -> tuple[Device, Tensor, Tensor]:
    """Move a CPU tensor without dimensions to the other's device, as PyTorch does."""
    if not b.array.ndim and b.device.type == "cpu":
        return a.device, a, b.to(a.device)
    if not a.array.ndim and a.device.type == "cpu":
        return b.device, a.to(b.device), b
    return meet(a.device, b), a, b


def align(a: Any, b: Any, x: Any, y: Any, device: Device, to_float: bool) -> tuple[Array, Array]:
    """Cast the arrays `x`, `y` of the operands `a`, `b` to the dtype of the result."""
    for operand in (a, b):
        if not isinstance(operand, (Tensor, float, int, np.number, np.bool_)):
            raise TypeError(f"expected a Tensor or a number, not {type(operand).__name__}")
    kind = dtypes.result_type(a, b)
    if to_float and not kind.is_floating_point:
        kind = dtypes.get_default_dtype()
    return convert(x, kind, device), convert(y, kind, device)


def convert(value: Any, kind: dtypes.dtype, device: Device) -> Array:
    """Return an array as `kind`, or a number as an array of `kind` without dimensions."""
    if isinstance(value, device.array_type):
        return cast(value, kind.numpy)
    if kind.category == 1 and not -(2**63) <= value < 2**63:
        raise RuntimeError("Overflow when unpacking long long")
    return quiet.run(_number, value, kind.numpy)


def _number(value: Any, kind: Any) -> Array:
    return np.asarray(value).astype(kind)


def publish(name: str, call: F, op: Any = None, *, method: bool = True, inplace: bool = False) -> F:
    """Give the operation its names: in the package, as a method, and with `_` as in-place method."""
    call.__name__ = call.__qualname__ = name
    if op is not None:
        call.op = op  # type: ignore[attr-defined]
    public = with_numpy_names(call)
    FUNCTIONS[name] = public
    if method:
        setattr(Tensor, name, public)
    if inplace:
        publish_inplace(name, public)
    return call


def with_numpy_names(call: F) -> F:
    """Return `call` taking `axis` for `dim` and `keepdims` for `keepdim`, as PyTorch does, where it has them."""
    names = call.__code__.co_varnames[: call.__code__.co_argcount + call.__code__.co_kwonlyargcount]
    if "dim" not in names:
        return call

    @functools.wraps(call)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        if "axis" in kwargs:
            kwargs["dim"] = kwargs.pop("axis")
        if "keepdims" in kwargs and "keepdim" in names:
            kwargs["keepdim"] = kwargs.pop("keepdims")
        return call(*args, **kwargs)

    return typed("F", renamed)


def attach(**methods: Any) -> None:
    """Make functions (or properties) methods of tensors under the names given."""
    for name, method in methods.items():
        setattr(Tensor, name, method)


def publish_alias(name: str, call: Callable[..., Any]) -> None:
    """Give a published operation a second name, in all its forms."""
    FUNCTIONS[name] = call
    for ending in ("", "_"):
        method = getattr(Tensor, call.__name__ + ending, None)
        if method is not None:
            setattr(Tensor, name + ending, method)


def publish_inplace(name: str, call: Callable[..., Any]) -> None:
    """Give tensors the method `name_`, which writes the result of `call` into the tensor."""
    from stackgrad.ops.mutation import overwrite

    @functools.wraps(call)
    def call_inplace(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return overwrite(self, call(self, *args, **kwargs))

    call_inplace.__name__ = call_inplace.__qualname__ = f"{name}_"
    setattr(Tensor, f"{name}_", call_inplace)
    FUNCTIONS.setdefault(f"{name}_", call_inplace)


def function(*, method: bool = True, inplace: bool = False) -> Callable[[F], F]:
    """Decorate a function written in operations, so that it is published under its name."""

    def add(call: F) -> F:
        return publish(call.__name__, call, method=method, inplace=inplace)

    return add
