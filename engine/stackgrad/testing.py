"""Checks of gradients against numbers, and of tensors against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad import autograd, dtypes
from stackgrad.arrays import Array
from stackgrad.grad_mode import no_grad
from stackgrad.tensor import Tensor, wrap


class GradcheckError(RuntimeError):
    """A gradient that is not what the function's own values say."""


def _tensors(value: Any) -> list[Tensor]:
    outputs = list(value) if isinstance(value, (tuple, list)) else [value]
    return [o for o in outputs if isinstance(o, Tensor) and o.dtype.is_floating_point]


def numeric_jacobian(
    function: Callable[..., Any], inputs: Sequence[Any], chosen: Tensor, eps: float
) -> list[Array]:
    """Return the Jacobian of every output by `chosen`, (inputs, outputs), by central differences."""
    flat = chosen.array.reshape(-1)
    if not np.shares_memory(flat, chosen.array):
        raise ValueError("gradcheck needs contiguous inputs")
    columns: list[list[Array]] = []
    for position in range(flat.size):
        kept = flat[position].copy()
        sides = []
        for step in (eps, -eps):
            flat[position] = kept + step
            with no_grad():
                sides.append([o.array.copy() for o in _tensors(function(*inputs))])
        flat[position] = kept
        columns.append([((a - b) / (2 * eps)).reshape(-1) for a, b in zip(*sides, strict=True)])
    return [np.stack(rows) for rows in zip(*columns, strict=True)]


def _refuse(function: str, wanted: Any, what: str) -> None:
    if wanted:
        raise NotImplementedError(f"{function}({what}) is not implemented in stackgrad")


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    fast_mode: bool = False,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of `func` with central differences, for every input that requires grad.

    Inputs should be float64. With `fast_mode` one random direction is compared in place of the whole
    Jacobian. Raises GradcheckError naming the output, the input and the worst element, or returns False.
    """
    del nondet_tol, check_undefined_grad, check_grad_dtypes  # they hold by construction
    _refuse("gradcheck", check_batched_grad or check_batched_forward_grad, "check_batched_grad")
    _refuse("gradcheck", check_forward_ad, "check_forward_ad")
    _refuse("gradcheck", not check_backward_ad, "check_backward_ad=False")
    _refuse("gradcheck", masked, "masked")
    arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    chosen = [t for t in arguments if isinstance(t, Tensor) and t.requires_grad]
    if not chosen:
        raise ValueError("gradcheck expects at least one input that requires grad")
    if eps < 1e-4 and any(t.dtype is not dtypes.float64 for t in chosen):
        raise ValueError(f"differences of {eps} need inputs of float64")
    try:
        (_check_direction if fast_mode else _check_jacobian)(
            func, arguments, chosen, eps, atol, rtol
        )
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_jacobian(
    func: Callable[..., Any],
    arguments: Sequence[Any],
    chosen: Sequence[Tensor],
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    outputs = [o for o in _tensors(func(*arguments)) if o.requires_grad]
    if not outputs:
        raise GradcheckError("no output requires grad")
    for number, tensor in enumerate(chosen):
        if not tensor.array.size:
            continue
        numeric = numeric_jacobian(func, arguments, tensor, eps)
        differentiable = [i for i, o in enumerate(_tensors(func(*arguments))) if o.requires_grad]
        for place, output in zip(differentiable, outputs, strict=True):
            analytic = np.zeros((tensor.array.size, output.array.size))
            for j in range(output.array.size):
                seed = np.zeros(output.array.shape, output.array.dtype)
                seed.reshape(-1)[j] = 1
                (row,) = autograd.grad(
                    output,
                    [tensor],
                    wrap(seed, output.device),
                    retain_graph=True,
                    allow_unused=True,
                )
                if row is not None:
                    analytic[:, j] = row.array.reshape(-1)
            _compare(analytic, numeric[place], f"output {place} by input {number}", atol, rtol)


def _check_direction(
    func: Callable[..., Any],
    arguments: Sequence[Any],
    chosen: Sequence[Tensor],
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    rng = np.random.default_rng(0)
    everything = _tensors(func(*arguments))
    places = [i for i, o in enumerate(everything) if o.requires_grad]
    outputs = [everything[i] for i in places]
    seeds = [wrap(rng.standard_normal(o.array.shape), o.device) for o in outputs]
    gradients = autograd.grad(outputs, chosen, seeds, allow_unused=True)
    for number, (tensor, gradient) in enumerate(zip(chosen, gradients, strict=True)):
        direction = rng.standard_normal(tensor.array.shape)
        sides = []
        kept = tensor.array.copy()
        for step in (eps, -eps):
            tensor.array[...] = kept + step * direction
            with no_grad():
                values = _tensors(func(*arguments))
            weighed = [
                (values[i].array * seed.array).sum() for i, seed in zip(places, seeds, strict=True)
            ]
            sides.append(float(sum(weighed)))
        tensor.array[...] = kept
        numeric = np.asarray((sides[0] - sides[1]) / (2 * eps))
        analytic = np.asarray(0.0 if gradient is None else (gradient.array * direction).sum())
        _compare(analytic, numeric, f"a random direction of input {number}", atol, rtol)


def _compare(analytic: Array, numeric: Array, what: str, atol: float, rtol: float) -> None:
    wrong = ~np.isclose(analytic, numeric, rtol, atol)
    if wrong.any():
        place = np.unravel_index(np.argmax(np.abs(analytic - numeric)), analytic.shape)
        raise GradcheckError(
            f"Jacobian mismatch for {what}: {wrong.sum()} of {wrong.size} elements; "
            f"worst: numerical {numeric[place]:.9g}, analytical {analytic[place]:.9g}"
        )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    fast_mode: bool = False,
    gen_non_contig_grad_outputs: bool = False,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    masked: bool = False,
) -> bool:
    """Compare the second derivatives of `func` with differences of its first ones."""
    del nondet_tol, check_undefined_grad, check_grad_dtypes  # they hold by construction
    _refuse("gradgradcheck", gen_non_contig_grad_outputs, "gen_non_contig_grad_outputs")
    _refuse("gradgradcheck", check_batched_grad, "check_batched_grad")
    _refuse("gradgradcheck", check_fwd_over_rev, "check_fwd_over_rev")
    _refuse("gradgradcheck", not check_rev_over_rev, "check_rev_over_rev=False")
    _refuse("gradgradcheck", masked, "masked")
    arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    outputs = [o for o in _tensors(func(*arguments)) if o.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(1)
        seeds = [
            wrap(rng.standard_normal(o.array.shape), o.device).requires_grad_() for o in outputs
        ]
    else:
        seeds = list(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else [grad_outputs]
    count = len(arguments)

    def first(*everything: Any) -> tuple[Tensor, ...]:
        given, weights = everything[:count], everything[count:]
        chosen = [t for t in given if isinstance(t, Tensor) and t.requires_grad]
        with autograd.enable_grad():
            values = [o for o in _tensors(func(*given)) if o.requires_grad]
            return autograd.grad(
                values,
                chosen,
                weights,
                create_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )

    return gradcheck(
        first,
        (*arguments, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        fast_mode=fast_mode,
    )


_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
}


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    allow_subclasses: bool = True,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Any = None,
) -> None:
    """Raise AssertionError unless both have the same shape, device, dtype and nearly the same elements.

    `msg` takes the place of the message, or is a function of it.
    """
    del check_layout  # there is one
    options = (rtol, atol, equal_nan, allow_subclasses, check_device, check_dtype, check_stride)
    try:
        _check_close(actual, expected, *options)
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def _check_close(
    actual: Any,
    expected: Any,
    rtol: float | None,
    atol: float | None,
    equal_nan: bool,
    subclasses: bool,
    check_device: bool,
    check_dtype: bool,
    check_stride: bool,
) -> None:
    options = (rtol, atol, equal_nan, subclasses, check_device, check_dtype, check_stride)
    _require(subclasses or type(actual) is type(expected), "The types do not match.")
    if isinstance(actual, Tensor) and isinstance(expected, Tensor):
        same = actual.device is expected.device
        _require(not check_device or same, "The values for attribute 'device' do not match.")
        same = actual.stride() == expected.stride()
        _require(not check_stride or same, "The values for attribute 'stride()' do not match.")
    a, b = (v.detach().cpu() if isinstance(v, Tensor) else v for v in (actual, expected))
    if isinstance(a, (list, tuple)):
        _require(len(a) == len(b), f"lengths differ: {len(a)} and {len(b)}")
        for x, y in zip(a, b, strict=True):
            _check_close(x, y, *options)
        return
    x, y = (v.array if isinstance(v, Tensor) else np.asarray(v) for v in (a, b))
    _require(
        x.shape == y.shape,
        f"The values for attribute 'shape' do not match: {x.shape} != {y.shape}.",
    )
    _require(
        not check_dtype or x.dtype == y.dtype,
        f"The values for attribute 'dtype' do not match: {x.dtype} != {y.dtype}.",
    )
    relative, absolute = _TOLERANCES.get(x.dtype.name, (0.0, 0.0))
    relative, absolute = (relative if rtol is None else rtol), (absolute if atol is None else atol)
    close = np.isclose(x.astype(np.float64), y.astype(np.float64), relative, absolute, equal_nan)
    if not close.all():
        worst = np.abs(x.astype(np.float64) - y.astype(np.float64)).max()
        raise AssertionError(
            f"Tensor-likes are not close! {(~close).sum()} / {close.size}; greatest absolute difference {worst}"
        )
