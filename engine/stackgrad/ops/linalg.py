"""Products of matrices, and what is built on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stackgrad.amp import lowered
from stackgrad.amp import state as autocast
from stackgrad.kernels import products
from stackgrad.ops.table import Op, attach, function
from stackgrad.ops.views import broadcast_tensors, expand
from stackgrad.tensor import Tensor


def matmul_array(xp: Any, x: Any, other: Any) -> Any:
    """Return x @ other in their dtype; 16-bit floats are multiplied and added up in float32."""
    kind = x.dtype
    if kind.itemsize == 2 and kind.kind in "fV":
        return products.matmul(xp, x.astype("float32"), other.astype("float32")).astype(kind)
    return products.matmul(xp, x, other)


def linear_array(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    """Return x @ weight.T + bias as one matrix product over all leading dimensions of x."""
    flat = x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) if x.ndim > 2 else x
    out = xp.asarray(matmul_array(xp, flat, weight.T))
    if bias is not None:
        out += bias
    return out.reshape(*x.shape[:-1], *weight.shape[:-1])


_matmul: Op = Op(
    "matmul",
    matmul_array,
    {
        "x": lambda g, other: g @ other.transpose(-2, -1),
        "other": lambda g, x: x.transpose(-2, -1) @ g,
    },
)
_linear: Op = Op(
    "linear",
    linear_array,
    {
        "x": lambda g, weight: g @ weight,
        "weight": lambda g, x: rows(g).transpose(0, 1) @ rows(x),
        "bias": lambda g: rows(g).sum(0),
    },
)


def rows(x: Tensor) -> Tensor:
    """Return all leading dimensions as one."""
    shape = x.array.shape
    return x if len(shape) == 2 else x.reshape(math.prod(shape[:-1]), shape[-1])


def _misfit(a: tuple[int, ...], b: tuple[int, ...]) -> RuntimeError:
    left, right = ("x".join(map(str, shape)) for shape in (a, b))
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({left} and {right})")


def _check(condition: bool, what: str) -> None:
    if not condition:
        raise RuntimeError(what)


@function()
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """Return the matrix product, broadcast over leading dimensions; vectors are rows or columns."""
    if autocast.dtype is not None:
        input, other = lowered(input, other)
    a, b = input.array, other.array
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {input.dtype} != {other.dtype}"
        )
    if not (a.ndim and b.ndim):
        raise RuntimeError("both arguments to matmul need to be at least 1D")
    if a.shape[-1] != (b.shape[-2] if b.ndim > 1 else b.shape[0]):
        raise _misfit(a.shape, b.shape)
    if a.ndim == 1:
        return matmul(input.unsqueeze(0), other).squeeze(0 if b.ndim == 1 else -2)
    if b.ndim == 1:
        return matmul(input, other.unsqueeze(1)).squeeze(-1)
    if b.ndim == 2 and a.ndim > 2:
        return matmul(rows(input), other).reshape(*a.shape[:-1], b.shape[-1])
    return _matmul(input, other)


@function(method=False)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return input @ weight.T + bias; `weight` is (out, in), or (in,)."""
    if autocast.dtype is not None:
        input, weight, bias = lowered(input, weight, bias)
    if weight.array.ndim == 1:
        result = matmul(input, weight)
        return result if bias is None else result + bias
    a, w = input.array, weight.array
    if a.dtype != w.dtype:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {input.dtype} and {weight.dtype}"
        )
    if a.shape[-1] != w.shape[1]:
        raise _misfit((a.size // max(a.shape[-1], 1), a.shape[-1]), w.shape[::-1])
    if a.ndim == 1:
        return linear(input.unsqueeze(0), weight, bias).squeeze(0)
    return _linear(input, weight, bias)


@function()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices."""
    _check(input.array.ndim == mat2.array.ndim == 2, "mm: both arguments must be matrices")
    return matmul(input, mat2)


@function()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of two batches of matrices."""
    _check(input.array.ndim == mat2.array.ndim == 3, "batch1 and batch2 must be 3D tensors")
    _check(input.array.shape[0] == mat2.array.shape[0], "bmm: the batches differ in size")
    return matmul(input, mat2)


@function()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix and a vector."""
    return matmul(input, vec)


@function()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the inner product of two vectors."""
    _check(input.array.ndim == tensor.array.ndim == 1, "1D tensors expected")
    return matmul(input, tensor)


@function()
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the outer product of two vectors."""
    return input.unsqueeze(1) * vec2


def _scaled_sum(input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    return (input if beta == 1 else input * beta) + scaled


@function(inplace=True)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return beta * input + alpha * mat1 @ mat2."""
    return _scaled_sum(input, mm(mat1, mat2), beta, alpha)


@function(inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return beta * input + alpha * mat @ vec."""
    return _scaled_sum(input, mv(mat, vec), beta, alpha)


@function(inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return beta * input + alpha * outer(vec1, vec2)."""
    return _scaled_sum(input, outer(vec1, vec2), beta, alpha)


@function(inplace=True)
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """Return beta * input + alpha * batch1 @ batch2."""
    return _scaled_sum(input, bmm(batch1, batch2), beta, alpha)


@function(inplace=True)
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """Return beta * input + alpha * the sum of the products of a batch."""
    return _scaled_sum(input, bmm(batch1, batch2).sum(0), beta, alpha)


@function(method=False)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Contract the last `dims` dimensions of `a` with the first of `b`, or the pairs given."""
    if isinstance(dims, int):
        left, right = list(range(a.array.ndim - dims, a.array.ndim)), list(range(dims))
    else:
        left, right = (
            [d % n for d in (p if isinstance(p, (list, tuple)) else [p])]
            for p, n in zip(dims, (a.array.ndim, b.array.ndim), strict=True)
        )
    free_a = [d for d in range(a.array.ndim) if d not in left]
    free_b = [d for d in range(b.array.ndim) if d not in right]
    inner = int(np.prod([a.array.shape[d] for d in left]))
    product = matmul(
        a.permute(free_a + left).reshape(-1, inner), b.permute(right + free_b).reshape(inner, -1)
    )
    return product.reshape([a.array.shape[d] for d in free_a] + [b.array.shape[d] for d in free_b])


@function(method=False)
def einsum(equation: str, *operands: Any) -> Tensor:
    """Return the sum of products that `equation` writes; operands are contracted left to right."""
    tensors = (
        list(operands[0])
        if len(operands) == 1 and isinstance(operands[0], (list, tuple))
        else list(operands)
    )
    terms, output = _parse(equation, [t.array.ndim for t in tensors])
    labels, result = _one_of_each(terms[0], tensors[0])
    for number in range(1, len(tensors)):
        others, other = _one_of_each(terms[number], tensors[number])
        later = set(output).union(*terms[number + 1 :])
        labels, result = _contract(labels, result, others, other, later)
    extra = tuple(d for d, label in enumerate(labels) if label not in output)
    if extra:
        result = result.sum(extra)
        labels = [label for label in labels if label in output]
    return result.permute([labels.index(label) for label in output])


def _parse(equation: str, ndims: list[int]) -> tuple[list[list[str]], list[str]]:
    """Split an equation into labels; the dimensions of `...` are named 0, 1, ... from the back."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    _check(
        len(inputs) == len(ndims),
        f"einsum(): {len(ndims)} operands for {len(inputs)} terms in {equation!r}",
    )
    spread = max(
        (
            n - len(term.replace("...", ""))
            for term, n in zip(inputs, ndims, strict=True)
            if "..." in term
        ),
        default=0,
    )
    dots = [str(k) for k in range(spread)][::-1]

    def labels(term: str, ndim: int) -> list[str]:
        before, ellipsis, after = term.partition("...")
        count = ndim - len(before) - len(after)
        middle = dots[len(dots) - count :] if ellipsis and count else []
        found = [*before, *middle, *after]
        _check(len(found) == ndim, f"einsum(): the term {term!r} does not have {ndim} dimensions")
        return found

    terms = [labels(term, ndim) for term, ndim in zip(inputs, ndims, strict=True)]
    if arrow:
        before, ellipsis, after = right.partition("...")
        return terms, [*before, *(dots if ellipsis else []), *after]
    counts = left.replace(",", "").replace(".", "")
    return terms, dots + sorted(c for c in set(counts) if counts.count(c) == 1)


def _one_of_each(labels: list[str], x: Tensor) -> tuple[list[str], Tensor]:
    """Take diagonals until every label stands once."""
    labels = list(labels)
    for label in set(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = x.diagonal(0, first, second)
            labels = [c for d, c in enumerate(labels) if d not in (first, second)] + [label]
    return labels, x


def _contract(
    a: list[str], x: Tensor, b: list[str], y: Tensor, later: set[str]
) -> tuple[list[str], Tensor]:
    """Multiply two operands as a batch of matrices, summing the labels that come no more."""
    for labels, other in ((a, b), (b, a)):  # a label of one operand alone that is not needed later
        tensor = x if labels is a else y
        lone = tuple(d for d, c in enumerate(labels) if c not in other and c not in later)
        if lone:
            tensor = tensor.sum(lone)
            kept = [c for c in labels if c in other or c in later]
            if labels is a:
                a, x = kept, tensor
            else:
                b, y = kept, tensor
    sizes = {
        c: max(
            s
            for labels, t in ((a, x), (b, y))
            for label, s in zip(labels, t.array.shape, strict=True)
            if label == c
        )
        for c in {*a, *b}
    }
    batch = [c for c in a if c in b and c in later]
    inner = [c for c in a if c in b and c not in later]
    rows_, columns = [c for c in a if c not in b], [c for c in b if c not in a]

    def arrange(labels: list[str], t: Tensor, order: list[list[str]]) -> Tensor:
        flat = [c for group in order for c in group]
        t = expand(t.permute([labels.index(c) for c in flat]), tuple(sizes[c] for c in flat))
        return t.reshape([int(np.prod([sizes[c] for c in group])) for group in order])

    product = _matmul(arrange(a, x, [batch, rows_, inner]), arrange(b, y, [batch, inner, columns]))
    names = batch + rows_ + columns
    return names, product.reshape([sizes[c] for c in names])


_triangle_rules = {"x": lambda g, k, lower: _triangle(g, k=k, lower=lower)}
_triangle: Op = Op(
    "triangle", lambda xp, x, *, k, lower: (xp.tril if lower else xp.triu)(x, k), _triangle_rules
)


@function(inplace=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the part on and below a diagonal, zeros above."""
    return _triangle(input, k=diagonal, lower=True)


@function(inplace=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the part on and above a diagonal, zeros below."""
    return _triangle(input, k=diagonal, lower=False)


@function()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the diagonal of a matrix, or the matrix with a vector on its diagonal."""
    if input.array.ndim == 2:
        return input.diagonal(diagonal).clone()
    return diag_embed(input, diagonal)


@function()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices with the last dimension of `input` on a diagonal."""
    from stackgrad.ops.views import embed_diagonal

    size = input.array.shape[-1] + abs(offset)
    ndim = input.array.ndim + 1
    a, b = dim1 % ndim, dim2 % ndim
    shape = list(input.array.shape[:-1])
    for place in sorted((a, b)):
        shape.insert(place, size)
    return embed_diagonal(input, tuple(shape), offset, a, b)


@function()
def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix."""
    return input.diagonal().sum()


@function(method=False)
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str | None = None,  # noqa: ARG001
) -> Tensor:
    """Return the p-distances between the rows of two batches."""
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


@function()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return the Kronecker product."""
    ndim = max(input.array.ndim, other.array.ndim)
    a = input.reshape((1,) * (ndim - input.array.ndim) + input.array.shape)
    b = other.reshape((1,) * (ndim - other.array.ndim) + other.array.shape)
    for d in range(ndim):
        a, b = a.unsqueeze(2 * d + 1), b.unsqueeze(2 * d)
    return (a * b).reshape(
        [m * n for m, n in zip(a.array.shape[::2], b.array.shape[1::2], strict=True)]
    )


@function()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the cross products along a dimension of size 3."""
    a, b = broadcast_tensors(input, other)
    place = list(a.array.shape).index(3) if dim is None else dim
    return a.roll(-1, place) * b.roll(-2, place) - a.roll(-2, place) * b.roll(-1, place)


attach(ger=outer)
