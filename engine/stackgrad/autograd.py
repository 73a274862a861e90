"""Backward passes as PyTorch calls them, and operations that users define."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackgrad import graph
from stackgrad.arrays import quiet
from stackgrad.function import Function, once_differentiable
from stackgrad.grad_mode import enable_grad, mode, no_grad, set_grad_enabled
from stackgrad.graph import Node, propagate
from stackgrad.tensor import Tensor, wrap

__all__ = [
    "Function",
    "Node",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",  # noqa: F822
    "grad",
    "gradcheck",  # noqa: F822
    "gradgradcheck",  # noqa: F822
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def _sequence(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _seeds(outputs: Sequence[Tensor], gradients: Any, *, what: str) -> list[Tensor]:
    """Return one gradient per output: those given, or one for a single element."""
    given = [None] * len(outputs) if gradients is None else _sequence(gradients)
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    seeds = []
    for output, gradient in zip(outputs, given, strict=True):
        if gradient is None and output.array.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if gradient is None:
            xp, array = output.device.xp, output.array
            seeds.append(wrap(quiet.run(xp.ones, array.shape, array.dtype), output.device))
        elif gradient.array.shape != output.array.shape:
            raise RuntimeError(
                f"Mismatch in shape: {what} has a shape of {list(gradient.array.shape)} "
                f"and output has a shape of {list(output.array.shape)}."
            )
        else:
            seeds.append(gradient)
    return seeds


def _check_roots(outputs: Sequence[Tensor]) -> None:
    if not any(output.requires_grad for output in outputs):
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `grad` of the leaves, or of `inputs` alone."""
    outputs = _sequence(tensors)
    _check_roots(outputs)
    chosen = None if inputs is None else _sequence(inputs)
    arrived = propagate(
        outputs,
        _seeds(
            outputs, grad_variables if grad_tensors is None else grad_tensors, what="grad_output[0]"
        ),
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=chosen,
    )
    targets = [key[0] for key in arrived] if chosen is None else chosen
    for target in targets:
        edge = graph.edge_to(target)
        gradient = None if edge is None else arrived.get(edge[:2])
        if gradient is None:
            continue
        if not create_graph and gradient.tracked:
            gradient = gradient.detach()
        with set_grad_enabled(create_graph):
            target.grad = gradient if target.grad is None else target.grad + gradient
        if mode.tape is not None:
            mode.tape.graded[id(target)] = target
        for hook in list(target.__dict__.get("_accumulated", {}).values()):
            hook(target)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of `outputs` with respect to each of `inputs`; `grad` stays as it is."""
    if is_grads_batched or not only_inputs:
        raise NotImplementedError(
            "autograd.grad: is_grads_batched and only_inputs=False are not in stackgrad"
        )
    roots, chosen = _sequence(outputs), _sequence(inputs)
    _check_roots(roots)
    for tensor in chosen:
        if not tensor.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    arrived = propagate(
        roots,
        _seeds(roots, grad_outputs, what="grad_output[0]"),
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
        inputs=chosen,
    )
    found: list[Tensor | None] = []
    for tensor in chosen:
        edge = graph.edge_to(tensor)
        gradient = None if edge is None else arrived.get(edge[:2])
        if gradient is None and not (allow_unused or materialize_grads):
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
        if gradient is None and materialize_grads:
            zeros = quiet.run(tensor.device.xp.zeros, tensor.array.shape, tensor.array.dtype)
            gradient = wrap(zeros, tensor.device)
        found.append(gradient)
    return tuple(found)


class detect_anomaly:  # noqa: N801  (PyTorch's name)
    """Look for NaN after every step of a backward pass, and name the line whose gradient it is."""

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        self.wanted = mode and check_nan

    def __enter__(self) -> None:
        self.previous, mode.anomaly, mode.first_nan = mode.anomaly, self.wanted, None

    def __exit__(self, *_: object) -> None:
        mode.anomaly, mode.first_nan = self.previous, None


class set_detect_anomaly(detect_anomaly):  # noqa: N801  (PyTorch's name)
    """The same, in force from the call on."""

    def __init__(self, mode: bool = True, check_nan: bool = True) -> None:
        super().__init__(mode, check_nan)
        self.__enter__()


def __getattr__(name: str) -> Any:
    from stackgrad import function, testing

    places = {"gradcheck": testing, "gradgradcheck": testing}
    if name == "function":
        return function
    if name in places:
        return getattr(places[name], name)
    if name == "functional":
        from stackgrad import derivatives

        return derivatives
    if name == "Variable":
        return Tensor
    if name in ("profiler", "forward_ad"):
        raise AttributeError(f"stackgrad.autograd has no {name!r} yet")
    raise AttributeError(f"module 'stackgrad.autograd' has no attribute {name!r}")
