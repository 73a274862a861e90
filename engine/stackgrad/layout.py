"""Shape, type and place of a tensor's elements."""

from __future__ import annotations

from typing import Any

from stackgrad import dtypes
from stackgrad.arrays import Array
from stackgrad.device import Device
from stackgrad.dtypes import dtype


class Size(tuple[int, ...]):
    """The shape of a tensor."""

    __slots__ = ()

    def numel(self) -> int:
        """Return the product of the sizes."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found


class Layout:
    """What can be told of a tensor from its array and device alone."""

    __slots__ = ()

    array: Array
    device: Device

    @property
    def shape(self) -> Size:
        """The sizes, a tuple with `numel()`."""
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes, or the size of `dim`."""
        return Size(self.array.shape) if dim is None else self.array.shape[dim]

    @property
    def dtype(self) -> dtype:
        """The element type."""
        return dtypes.of(self.array)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return int(self.array.ndim)

    def dim(self) -> int:
        """Return the number of dimensions."""
        return int(self.array.ndim)

    def numel(self) -> int:
        """Return the number of elements."""
        return int(self.array.size)

    nelement = numel
    ndimension = dim

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return int(self.array.itemsize)

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return int(self.array.itemsize)

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return int(self.array.nbytes)

    def stride(self, dim: int | None = None) -> Any:
        """Return the steps between elements, in elements, or the step along `dim`."""
        steps = tuple(s // self.array.itemsize for s in self.array.strides)
        return steps if dim is None else steps[dim]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie without gaps in row-major order, or the channels innermost."""
        array = self.array
        if memory_format in ("channels_last", "channels_last_3d"):
            wanted = 4 if memory_format == "channels_last" else 5
            order = (0, *range(2, array.ndim), 1)
            return array.ndim == wanted and bool(array.transpose(order).flags.c_contiguous)
        return bool(array.flags.c_contiguous)

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        if self.device.type == "cuda":
            return int(self.array.data.ptr)
        return int(self.array.__array_interface__["data"][0])

    def is_floating_point(self) -> bool:
        """Whether the element type is a floating-point type."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        """Return False: the engine has no complex numbers."""
        return False

    @property
    def is_cuda(self) -> bool:
        """Whether the tensor lies on a GPU."""
        return self.device.type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the tensor lies in the computer's own memory."""
        return self.device.type == "cpu"

    is_sparse = is_sparse_csr = is_quantized = is_mps = is_meta = is_nested = is_mkldnn = False
    is_xpu = is_xla = is_ipu = is_vulkan = is_mtia = is_maia = False
    layout = "strided"

    def get_device(self) -> int:
        """Return the number of the GPU, -1 on the CPU."""
        return -1 if self.device.index is None else self.device.index
