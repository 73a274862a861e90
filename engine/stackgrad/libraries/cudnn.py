"""cuDNN: convolution forward, by data and by filter, in two and three dimensions, with groups and dilation.

The user's own copy (9.x), found as CuPy finds libraries. Only deterministic algorithms are taken, so that
the bits are the same run after run. Declarations follow `cudnn_cnn_v9.h`. Not verified on hardware.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any, NamedTuple

from stackgrad import dtypes
from stackgrad.arrays import Array, ArrayModule
from stackgrad.libraries.binding import Library, locate

_PATTERNS = ("libcudnn.so.9", "cudnn64_9.dll")
_ALGORITHM, _WORKSPACE = "pppppipp", "pppppip"
_RUN = "pppppppipzppp"
FUNCTIONS = {
    "cudnnCreate": "p",
    "cudnnDestroy": "p",
    "cudnnSetStream": "pp",
    "cudnnCreateTensorDescriptor": "p",
    "cudnnDestroyTensorDescriptor": "p",
    "cudnnSetTensorNdDescriptor": "piipp",
    "cudnnCreateFilterDescriptor": "p",
    "cudnnDestroyFilterDescriptor": "p",
    "cudnnSetFilterNdDescriptor": "piiip",
    "cudnnCreateConvolutionDescriptor": "p",
    "cudnnDestroyConvolutionDescriptor": "p",
    "cudnnSetConvolutionNdDescriptor": "pipppii",
    "cudnnSetConvolutionGroupCount": "pi",
    "cudnnSetConvolutionMathType": "pi",
    "cudnnGetConvolutionNdForwardOutputDim": "pppip",
    "cudnnGetConvolutionForwardAlgorithm_v7": _ALGORITHM,
    "cudnnGetConvolutionBackwardDataAlgorithm_v7": _ALGORITHM,
    "cudnnGetConvolutionBackwardFilterAlgorithm_v7": _ALGORITHM,
    "cudnnGetConvolutionForwardWorkspaceSize": _WORKSPACE,
    "cudnnGetConvolutionBackwardDataWorkspaceSize": _WORKSPACE,
    "cudnnGetConvolutionBackwardFilterWorkspaceSize": _WORKSPACE,
    "cudnnConvolutionForward": _RUN,
    "cudnnConvolutionBackwardData": _RUN,
    "cudnnConvolutionBackwardFilter": _RUN,
}
_TYPES = {
    dtypes.float32.numpy: 0,
    dtypes.float64.numpy: 1,
    dtypes.float16.numpy: 2,
    dtypes.bfloat16.numpy: 9,
}  # cudnnDataType_t
_CROSS_CORRELATION, _NCHW = 1, 0
_TENSOR_OPS = 1  # cudnnMathType_t: tensor cores for half precision, TF32 for nothing
_FMA = 3
_REQUESTED = 8
_LARGEST_WORKSPACE = 1 << 30


class _Performance(ctypes.Structure):
    """`cudnnConvolutionFwdAlgoPerf_t`, and those of the two backward passes."""

    _fields_ = (
        ("algorithm", ctypes.c_int),
        ("status", ctypes.c_int),
        ("time", ctypes.c_float),
        ("memory", ctypes.c_size_t),
        ("deterministic", ctypes.c_int),
        ("math", ctypes.c_int),
        ("reserved", ctypes.c_int * 3),
    )


@functools.cache
def library() -> Library:
    """Return the binding; LibraryError where the library is not found."""
    return Library("cuDNN", locate("cudnn", _PATTERNS), FUNCTIONS, _describe)


def version() -> str:
    """Return the library's version, without a GPU."""
    loaded = library().loaded
    loaded.cudnnGetVersion.restype = ctypes.c_size_t
    code = int(loaded.cudnnGetVersion())
    return f"{code // 10000}.{code % 10000 // 100}.{code % 100}"


def _describe(loaded: Any, status: int) -> str:
    loaded.cudnnGetErrorString.restype = ctypes.c_char_p
    text: bytes = loaded.cudnnGetErrorString(status) or b""
    return text.decode()


def _ints(values: tuple[int, ...]) -> Any:
    return (ctypes.c_int * len(values))(*values)


class Descriptor:
    """An object of the library's that describes something; destroyed with this one."""

    def __init__(self, kind: str) -> None:
        self.handle = ctypes.c_void_p()
        self._destroy = getattr(library().loaded, f"cudnnDestroy{kind}Descriptor")
        getattr(library(), f"cudnnCreate{kind}Descriptor")(ctypes.byref(self.handle))

    def __del__(self) -> None:
        if self.handle.value:
            self._destroy(self.handle)


def tensor(shape: tuple[int, ...], kind: Any) -> Descriptor:
    """Describe an array (N, C, *spatial) without gaps."""
    found = Descriptor("Tensor")
    strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    library().cudnnSetTensorNdDescriptor(
        found.handle, _TYPES[kind], len(shape), _ints(shape), _ints(strides)
    )
    return found


def weights(shape: tuple[int, ...], kind: Any) -> Descriptor:
    """Describe weights (out, C / groups, *kernel)."""
    found = Descriptor("Filter")
    library().cudnnSetFilterNdDescriptor(
        found.handle, _TYPES[kind], _NCHW, len(shape), _ints(shape)
    )
    return found


def convolution(geometry: Any, kind: Any) -> Descriptor:
    """Describe how a kernel moves; sums are formed in float32, or float64."""
    found, made = Descriptor("Convolution"), library()
    sums = _TYPES[kind] if kind.itemsize == 8 else 0
    made.cudnnSetConvolutionNdDescriptor(
        found.handle, len(geometry.stride), _ints(geometry.padding), _ints(geometry.stride),
        _ints(geometry.dilation), _CROSS_CORRELATION, sums,
    )  # fmt: skip
    made.cudnnSetConvolutionGroupCount(found.handle, geometry.groups)
    made.cudnnSetConvolutionMathType(found.handle, _TENSOR_OPS if kind.itemsize == 2 else _FMA)
    return found


class _Plan(NamedTuple):
    x: Descriptor
    w: Descriptor
    y: Descriptor
    motion: Descriptor
    algorithm: int
    workspace: int


class Convolutions:
    """The three passes on arrays of a GPU; None comes back where cuDNN has no deterministic algorithm for one."""

    def __init__(self, cupy: ArrayModule) -> None:
        self.cupy, self.library = cupy, library()
        self.handles: dict[tuple[int, int], Any] = {}
        self.plans: dict[Any, _Plan | None] = {}

    def handle(self) -> Any:
        """Return the handle of the current device and stream."""
        cuda = self.cupy.cuda
        key = cuda.runtime.getDevice(), cuda.get_current_stream().ptr
        if key not in self.handles:
            made = ctypes.c_void_p()
            self.library.cudnnCreate(ctypes.byref(made))
            self.library.cudnnSetStream(made, key[1])
            self.handles[key] = made
        return self.handles[key]

    @staticmethod
    def takes(kind: Any, geometry: Any) -> bool:
        """Whether arrays of `kind` and this number of dimensions are for cuDNN."""
        return kind in _TYPES and len(geometry.stride) in (2, 3)

    def forward(self, x: Array, w: Array, output: tuple[int, ...], geometry: Any) -> Any:
        """Return the cross-correlation (N, out, *output)."""
        y = self.cupy.empty((x.shape[0], w.shape[0], *output), x.dtype)
        return y if self._run("Forward", x, w, y, geometry) else None

    def by_input(self, g: Array, w: Array, size: tuple[int, ...], geometry: Any) -> Any:
        """Return the gradient (N, C, *size) by the input."""
        x = self.cupy.empty((g.shape[0], w.shape[1] * geometry.groups, *size), g.dtype)
        return x if self._run("BackwardData", x, w, g, geometry) else None

    def by_weight(self, g: Array, x: Array, kernel: tuple[int, ...], geometry: Any) -> Any:
        """Return the gradient (out, C / groups, *kernel) by the weight."""
        w = self.cupy.empty((g.shape[1], x.shape[1] // geometry.groups, *kernel), g.dtype)
        return w if self._run("BackwardFilter", x, w, g, geometry) else None

    def _run(self, name: str, x: Array, w: Array, y: Array, geometry: Any) -> bool:
        x, w, y = (a if a.flags.c_contiguous else self.cupy.ascontiguousarray(a) for a in (x, w, y))
        key = (
            name,
            x.shape,
            w.shape,
            y.shape,
            x.dtype,
            geometry,
            self.cupy.cuda.runtime.getDevice(),
        )
        if key not in self.plans:
            self.plans[key] = self._plan(name, x, w, y, geometry)
        plan = self.plans[key]
        if plan is None:
            return False
        workspace = self.cupy.cuda.alloc(plan.workspace)
        number = ctypes.c_double if x.dtype.itemsize == 8 else ctypes.c_float
        given = {
            "x": (plan.x.handle, x.data.ptr),
            "w": (plan.w.handle, w.data.ptr),
            "y": (plan.y.handle, y.data.ptr),
        }
        first, second, result = _ORDER[name]
        getattr(self.library, f"cudnnConvolution{name}")(
            self.handle(), ctypes.byref(number(1)), *given[first], *given[second], plan.motion.handle,
            plan.algorithm, workspace.ptr, plan.workspace, ctypes.byref(number(0)), *given[result],
        )  # fmt: skip
        return True

    def _plan(self, name: str, x: Array, w: Array, y: Array, geometry: Any) -> _Plan | None:
        kind = x.dtype
        parts = {
            "x": tensor(x.shape, kind),
            "w": weights(w.shape, kind),
            "y": tensor(y.shape, kind),
        }
        motion = convolution(geometry, kind)
        first, second, result = (parts[part].handle for part in _ORDER[name])
        described = (first, second, motion.handle, result)
        found, count = (_Performance * _REQUESTED)(), ctypes.c_int()
        getattr(self.library, f"cudnnGetConvolution{name}Algorithm_v7")(
            self.handle(), *described, _REQUESTED, ctypes.byref(count), found
        )
        size = ctypes.c_size_t()
        for one in found[: count.value]:
            if one.status or not one.deterministic:
                continue
            getattr(self.library, f"cudnnGetConvolution{name}WorkspaceSize")(
                self.handle(), *described, one.algorithm, ctypes.byref(size)
            )
            if size.value <= _LARGEST_WORKSPACE:
                return _Plan(parts["x"], parts["w"], parts["y"], motion, one.algorithm, size.value)
        return None


_ORDER = {  # two inputs and the result
    "Forward": ("x", "w", "y"),
    "BackwardData": ("w", "y", "x"),
    "BackwardFilter": ("x", "y", "w"),
}
