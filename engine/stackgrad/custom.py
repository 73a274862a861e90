"""Operations of one's own: CUDA source, a NumPy reference and gradient rules, checked against each other.

    swish = stackgrad.kernel(
        "swish",
        '''extern "C" __global__ void swish(const T* x, T* out, i64 n, A beta) {
               for (EACH(i, n)) { A v = wide(x[i]); store(out + i, v / (1 + exp(-beta * v))); }
           }''',
        lambda xp, x, *, beta: x / (1 + xp.exp(-beta * x)),
        samples=[(numpy.linspace(-2, 2, 7), {"beta": 1.5})],
        x=lambda g, x, beta: ...,  # rules as in the table of operations
    )
    y = swish(tensor, beta=1.5)

The kernel asks by name for what it gets: arrays by the names of the reference's parameters, `out`, `n` for
the elements of `out`, `x_size` and `x_dim0` for sizes of any of them, and static values by their names. T is
the element type, A that in which sums are formed; `kernels/cuda/common.cuh` has the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stackgrad.arrays import Array, ArrayModule
from stackgrad.device import cuda_is_available
from stackgrad.device import device as find_device
from stackgrad.kernels.cuda import emulation, source
from stackgrad.kernels.cuda.launch import THREADS, each, launch
from stackgrad.libraries import nvrtc
from stackgrad.libraries.binding import LibraryError
from stackgrad.ops.creation import from_numpy
from stackgrad.ops.table import Op
from stackgrad.tensor import Tensor

KERNELS: dict[str, CustomKernel] = {}
_TOLERANCE = {"float32": 1e-4, "float64": 1e-10}


class KernelError(ValueError):
    """Source, reference and rules of a kernel that do not agree; the message says which, where and by how much."""


class CustomKernel:
    """An operation made by `kernel`. `checked` tells what its parts were compared with."""

    def __init__(
        self,
        name: str,
        text: str,
        reference: Callable[..., Any],
        rules: dict[str, Callable[..., Any]],
        shape: Callable[..., tuple[int, ...]] | None,
        blocks: Callable[..., int] | None,
    ) -> None:
        self.name, self.text, self.reference = name, text, reference
        self.shape, self.blocks = shape, blocks
        self.checked: dict[str, str] = {}
        found = source.signatures(text, np.dtype("float32"))
        if name not in found:
            raise KernelError(
                f'{name}: the source has no `extern "C" __global__ void {name}(...)`, but {sorted(found)}'
            )
        self.op = Op(name, reference, rules)
        self.op.forward = self._forward

    def __call__(self, *tensors: Any, **static: Any) -> Tensor:
        """Apply the operation."""
        return self.op(*tensors, **static)

    def _forward(self, xp: ArrayModule, *arrays: Array, **static: Any) -> Array:
        if xp is not np:
            return self.run(xp, *arrays, **static)
        kind = self._kind(arrays)
        wide = [a.astype("float32") if _is_half(a) else a for a in arrays]
        return np.asarray(self.reference(np, *wide, **static)).astype(kind, copy=False)

    def _kind(self, arrays: Sequence[Array]) -> Any:
        kinds = {a.dtype for a in arrays if getattr(a, "dtype", None) in source.KINDS}
        if len(kinds) != 1:
            raise TypeError(
                f"{self.name}: floating-point tensors of one type, not of {sorted(map(str, kinds))}"
            )
        return kinds.pop()

    def run(self, xp: ArrayModule, *arrays: Array, **static: Any) -> Array:
        """Run the CUDA kernel on arrays of a GPU, or of `emulation`."""
        kind = self._kind(arrays)
        if self.shape is None:  # elementwise
            size = np.broadcast_shapes(*[a.shape for a in arrays])
            arrays = tuple(xp.broadcast_to(a, size) for a in arrays)
        else:
            size = tuple(self.shape(*arrays, **static))
        given = {
            name: xp.ascontiguousarray(a)
            for name, a in zip(self.op.parameters, arrays, strict=True)
        }
        given["out"] = out = xp.empty(size, kind)
        parameters = source.signatures(self.text, kind)[self.name]
        values = [self._value(parameter.name, given, static) for parameter in parameters]
        if self.blocks is None:
            each(xp, self.name, kind, out.size, values, body=self.text)
        else:
            count = int(self.blocks(*arrays, **static))
            launch(xp, self.name, kind, count, values, threads=THREADS, body=self.text)
        return out

    def _value(self, name: str, arrays: dict[str, Array], static: dict[str, Any]) -> Any:
        if name in arrays:
            return arrays[name]
        if name in static:
            return static[name]
        if name == "n":
            return arrays["out"].size
        part = re.fullmatch(r"(\w+)_(?:size|dim(\d+))", name)
        if part is not None and part[1] in arrays:
            array = arrays[part[1]]
            return array.size if part[2] is None else array.shape[int(part[2])]
        raise KernelError(
            f"{self.name}: the kernel asks for {name!r}, which nobody knows; known are {[*arrays, 'n', *static]}"
        )

    def check(self, samples: Sequence[Sequence[Any]]) -> None:
        """Compare rules with differences, and the kernel with the reference; KernelError with all faults."""
        faults = [*self._check_rules(samples), *self._check_kernel(samples)]
        if faults:
            raise KernelError("\n".join(f"{self.name}: {fault}" for fault in faults))

    def _check_rules(self, samples: Sequence[Sequence[Any]]) -> list[str]:
        from stackgrad.testing import GradcheckError, gradcheck

        if not any(self.op.rules):
            self.checked["rules"] = "none given"
            return []
        for number, (arrays, static) in enumerate(map(_split, samples)):
            inputs = [
                from_numpy(a.copy()).requires_grad_(rule is not None and a.dtype.kind == "f")
                for a, rule in zip(arrays, self.op.rules, strict=True)
            ]
            try:
                gradcheck(lambda *given, static=static: self.op(*given, **static), inputs)
            except GradcheckError as error:
                return [
                    f"the rules disagree with differences of the reference in sample {number}: {error}"
                ]
        self.checked["rules"] = "differences of the reference"
        return []

    def _check_kernel(self, samples: Sequence[Sequence[Any]]) -> list[str]:
        if cuda_is_available():
            device = find_device("cuda")
            xp, place = device.xp, str(device)
        elif emulation.compiler() is not None:
            xp, place = emulation.EmulatedArrays(), "emulated on the CPU"
        else:
            return self._check_compilation()
        self.checked["kernel"] = f"the reference, {place}"
        for kind, limit in _TOLERANCE.items():
            for number, (arrays, static) in enumerate(map(_split, samples)):
                narrow = [a.astype(kind) if a.dtype.kind == "f" else a for a in arrays]
                expected = self.reference(
                    np, *[a.astype("f8") if a.dtype.kind == "f" else a for a in narrow], **static
                )
                try:
                    found = xp.asnumpy(self.run(xp, *[xp.asarray(a) for a in narrow], **static))
                except emulation.EmulationError as error:
                    return [str(error)]
                where = f"sample {number} of {kind}, {place}"
                if found.shape != np.shape(expected):
                    return [
                        f"the kernel gives {found.shape}, the reference {np.shape(expected)}: {where}"
                    ]
                if not np.allclose(found, expected, rtol=limit, atol=limit, equal_nan=True):
                    worst = float(np.nanmax(np.abs(found - expected)))
                    return [f"the kernel differs from the reference by {worst:.3g}: {where}"]
        return []

    def _check_compilation(self) -> list[str]:
        """Without a GPU and a host compiler: whether NVRTC takes the source."""
        try:
            compiler = nvrtc.find()
        except LibraryError:
            self.checked["kernel"] = "not checked: no GPU, no g++, no NVRTC"
            return []
        self.checked["kernel"] = "compiled by NVRTC, not run: no GPU and no g++"
        try:
            text = source.complete(self.text, np.dtype("float32"))
            compiler.compile(text, compiler.architectures()[0])
        except nvrtc.CompileError as error:
            return [f"the source does not compile: {error}"]
        return []


def _is_half(array: Array) -> bool:
    return getattr(array, "dtype", None) in source.KINDS and array.itemsize == 2


def _split(sample: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arrays of a sample, in float64 or whole numbers, and its static values."""
    static = sample[-1] if sample and isinstance(sample[-1], dict) else {}
    values = [np.asarray(v) for v in sample if not isinstance(v, dict)]
    return [v.astype("f8") if v.dtype.kind == "f" else v for v in values], static


def kernel(
    name: str,
    source: str,
    reference: Callable[..., Any],
    *,
    samples: Sequence[Sequence[Any]],
    shape: Callable[..., tuple[int, ...]] | None = None,
    blocks: Callable[..., int] | None = None,
    **rules: Callable[..., Any],
) -> CustomKernel:
    """Make an operation of a CUDA kernel, a NumPy reference and gradient rules, and check them on `samples`.

    `reference(xp, *arrays, **static)` computes with NumPy; on the CPU it is the operation. `shape` gives that
    of the output (by default the inputs are broadcast together), `blocks` the number of blocks for kernels
    that do not go over the elements of `out`. A sample is a tuple of arrays, with a dict of static values at
    its end where the reference has some.

    The rules are compared with differences; the kernel with the reference, on a GPU, or without one emulated
    on the CPU by g++. Raises KernelError with every fault. `checked` of the result says what was compared.
    """
    made = CustomKernel(name, source, reference, rules, shape, blocks)
    made.check(samples)
    KERNELS[name] = made
    return made
