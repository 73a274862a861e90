"""`torch.func`: functions of functions. Derivatives come from the graph, `vmap` from a loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stackgrad import autograd
from stackgrad.grad_mode import enable_grad
from stackgrad.ops.creation import eye
from stackgrad.ops.joining import stack
from stackgrad.tensor import Tensor

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "stack_module_state",
    "vjp",
    "vmap",
]


def leaves(value: Any) -> list[Tensor]:
    """Return the tensors in tuples, lists and dicts, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in leaves(part)]
    return []


def rebuilt(value: Any, parts: Any) -> Any:
    """Return `value` with its tensors replaced by the next of `parts`."""
    if isinstance(value, Tensor):
        return next(parts)
    if isinstance(value, Mapping):
        return {key: rebuilt(part, parts) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)([rebuilt(part, parts) for part in value])
    return value


def _tracked(value: Any) -> Any:
    """Return aliases that want a gradient, connected with what their originals were made of."""
    return rebuilt(
        value,
        iter(
            [t.alias() if t.requires_grad else t.detach().requires_grad_() for t in leaves(value)]
        ),
    )


def _chosen(argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    return (argnums,) if isinstance(argnums, int) else tuple(argnums)


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function of the gradient of `func`, a number, and its value (with what else it returns)."""

    def call(*args: Any, **kwargs: Any) -> Any:
        places = _chosen(argnums)
        given = [_tracked(a) if i in places else a for i, a in enumerate(args)]
        with enable_grad():
            result = func(*given, **kwargs)
            value, *aux = result if has_aux else (result,)
            if value.numel() != 1:
                raise RuntimeError("Expected the function to return a tensor with one element")
            chosen = tuple(given[i] for i in places)
            outer = any(t.requires_grad for t in leaves(args))
            found = autograd.grad(value, leaves(chosen), create_graph=True, materialize_grads=True)
        found = found if outer else tuple(t.detach() for t in found)
        value = value if outer else value.detach()
        gradients = rebuilt(chosen, iter(found))
        gradients = gradients[0] if isinstance(argnums, int) else gradients
        return gradients, (value, aux[0]) if has_aux else value

    return call


def grad(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function of the gradient of `func`, a number."""

    def call(*args: Any, **kwargs: Any) -> Any:
        gradients, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return call


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return func(*primals) and a function that multiplies a cotangent by the Jacobian."""
    given = tuple(_tracked(p) for p in primals)
    with enable_grad():
        result = func(*given)
    output, *aux = result if has_aux else (result,)

    def pull(*cotangents: Any) -> Any:
        found = autograd.grad(
            leaves(output),
            leaves(given),
            leaves(cotangents),
            retain_graph=True,
            materialize_grads=True,
        )
        return rebuilt(given, iter(found))

    detached = rebuilt(output, iter([t.detach() for t in leaves(output)]))
    return (detached, pull, *aux)


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """Return func(*primals) and the Jacobian times `tangents`, by differentiating a product twice."""
    if strict:
        raise NotImplementedError("jvp(strict=True) is not implemented in stackgrad")
    given = tuple(_tracked(p) for p in primals)
    with enable_grad():
        result = func(*given)
        output, *aux = result if has_aux else (result,)
        outputs = leaves(output)
        seeds = [(t.detach() * 0).requires_grad_() for t in outputs]
        pulled = autograd.grad(
            outputs, leaves(given), seeds, create_graph=True, materialize_grads=True
        )
        used = [(p, t) for p, t in zip(pulled, leaves(tangents), strict=True) if p.requires_grad]
        pushed = (
            autograd.grad([p for p, _ in used], seeds, [t for _, t in used], materialize_grads=True)
            if used
            else [s.detach() for s in seeds]
        )
    values = rebuilt(output, iter([t.detach() for t in outputs]))
    return (values, rebuilt(output, iter(pushed)), *aux)


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function of the Jacobian (*output, *input) of `func`, row by row.

    `chunk_size` is how many rows PyTorch computes at once; here it is one.
    """
    del chunk_size

    def call(*args: Any, **kwargs: Any) -> Any:
        places = _chosen(argnums)
        outer = any(t.requires_grad for t in leaves(args))
        given = [_tracked(a) if i in places else a for i, a in enumerate(args)]
        with enable_grad():
            result = func(*given, **kwargs)
            output, *aux = result if has_aux else (result,)
            chosen = tuple(given[i] for i in places)
            found = rebuilt(
                output,
                iter(
                    [rebuilt(chosen, iter(_rows(o, leaves(chosen), outer))) for o in leaves(output)]
                ),
            )
        if isinstance(argnums, int):
            found = found[0] if isinstance(output, Tensor) else type(output)([f[0] for f in found])
        return (found, aux[0]) if has_aux else found

    return call


def _rows(output: Tensor, inputs: list[Tensor], keep: bool) -> list[Tensor]:
    """Return the Jacobian of one output by each input."""
    shape, count = output.array.shape, output.numel()
    basis = eye(count, dtype=output.dtype, device=output.device).reshape(count, *shape)
    rows = [
        autograd.grad(
            output, inputs, seed, retain_graph=True, create_graph=keep, materialize_grads=True
        )
        if output.requires_grad
        else tuple(i.detach() * 0 for i in inputs)
        for seed in basis
    ]
    return [
        stack([row[k] for row in rows]).reshape(*shape, *i.array.shape)
        for k, i in enumerate(inputs)
    ]


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """Return the same as `jacrev`: there is one mode of differentiation here."""
    _check_randomness(randomness)
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function of the second derivatives of `func`."""
    return jacrev(jacrev(func, argnums), argnums)


def _check_randomness(randomness: str) -> None:
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same', not {randomness!r}"
        )


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return `func` applied along a dimension of its arguments, one index after the other.

    `chunk_size` bounds PyTorch's memory and is not needed; `randomness` other than "different" raises.
    """
    del chunk_size
    _check_randomness(randomness)
    if randomness == "same":
        raise NotImplementedError("vmap(randomness='same') is not implemented in stackgrad")

    def call(*args: Any, **kwargs: Any) -> Any:
        dims = in_dims if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        sizes = {
            t.array.shape[dim]
            for arg, dim in zip(args, dims, strict=True)
            if dim is not None
            for t in leaves(arg)
        }
        if len(sizes) != 1:
            raise ValueError(
                f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)}"
            )
        results = []
        for i in range(sizes.pop()):
            parts = [
                a if dim is None else rebuilt(a, iter([t.select(dim, i) for t in leaves(a)]))
                for a, dim in zip(args, dims, strict=True)
            ]
            results.append(func(*parts, **kwargs))
        columns = zip(*(leaves(r) for r in results), strict=True)
        places = out_dims if isinstance(out_dims, (tuple, list)) else None
        joined = [
            stack(list(column), out_dims if places is None else places[k])
            for k, column in enumerate(columns)
        ]
        return rebuilt(results[0], iter(joined))

    return call


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with other parameters and buffers in the place of its own, by path."""
    dicts = parameter_and_buffer_dicts
    given: dict[str, Tensor] = {}
    for part in dicts if isinstance(dicts, (tuple, list)) else (dicts,):
        given.update(part)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with module.replaced(given, tie_weights=tie_weights, strict=strict):
        return module(*arguments, **(kwargs or {}))


def stack_module_state(models: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters, and the buffers, of models of one kind, stacked by path."""

    def stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: stack([s[name] for s in states]) for name in states[0]}

    parameters = stacked([dict(m.named_parameters()) for m in models])
    made = {name: t.detach().requires_grad_() for name, t in parameters.items()}
    return made, stacked([dict(m.named_buffers()) for m in models])


def __getattr__(name: str) -> Any:
    raise AttributeError(f"stackgrad.func has no {name!r}: it is not implemented")
