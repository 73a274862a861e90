"""The tensor: an array, the device it lies on, and its place in the graph.

The class holds state and the protocols of Python and NumPy. Everything that computes is an
operation of `stackgrad.ops`, which puts itself here as a method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from stackgrad import dtypes
from stackgrad.arrays import Array
from stackgrad.device import Device, cpu
from stackgrad.grad_mode import mode, refuse_capture
from stackgrad.graph import Handle, Node, edge_to
from stackgrad.layout import Layout


class Tensor(Layout):
    """An n-dimensional array that can take part in differentiation.

    `array` is the NumPy or CuPy array; views share its memory and `version`, a list of two
    counters: writes to the memory, and changes of its history. `tracked` tells that a gradient is
    wanted; then `node` made the tensor, or it is None and the tensor is a leaf. `viewed` is
    `(parent, operation, arguments, recorded)` where the tensor is a view of another.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "array",
        "device",
        "grad",
        "hooks",
        "index",
        "node",
        "seen",
        "tracked",
        "version",
        "viewed",
    )

    array: Array
    device: Device
    grad: Tensor | None
    node: Node | None
    viewed: tuple[Tensor, Any, dict[str, Any], bool] | None
    version: list[int]
    seen: int
    index: int
    tracked: bool
    hooks: dict[int, Callable[[Tensor], Any]] | None

    __array_ufunc__ = None  # NumPy leaves mixed operators to this class
    __array_priority__ = 1000

    if TYPE_CHECKING:
        # what `stackgrad.ops` publishes here
        def __getattr__(self, name: str) -> Callable[..., Tensor]: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def __setitem__(self, key: Any, value: Any) -> None: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __lshift__(self, other: Any) -> Tensor: ...
        def __rshift__(self, other: Any) -> Tensor: ...
        def __iadd__(self, other: Any) -> Tensor: ...  # noqa: PYI034
        def __isub__(self, other: Any) -> Tensor: ...  # noqa: PYI034
        def __imul__(self, other: Any) -> Tensor: ...  # noqa: PYI034
        def __itruediv__(self, other: Any) -> Tensor: ...  # noqa: PYI034

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG004, D102
        return _blank(cls)

    def __init__(self, *sizes_or_data: Any, device: Any = None) -> None:
        from stackgrad.ops import creation

        if len(sizes_or_data) == 1 and not isinstance(sizes_or_data[0], int):
            source = creation.tensor(
                sizes_or_data[0], dtype=dtypes.get_default_dtype(), device=device
            )
        else:
            source = creation.empty(*sizes_or_data or (0,), device=device)
        self.array, self.device = source.array, source.device

    # ---- the graph

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        if self.viewed is not None:
            self.follow_base()
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient of this leaf, or stop asking; RuntimeError for integers."""
        if requires_grad and not self.dtype.is_floating_point:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not requires_grad and self.grad_fn is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. "
                "Use detach() for a tensor that does not require gradients"
            )
        self.tracked = bool(requires_grad)
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        if self.viewed is not None:
            self.follow_base()
        return self.node

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.grad_fn is None

    @property
    def output_nr(self) -> int:
        """Which output of its node this tensor is."""
        return self.index

    @property
    def data(self) -> Tensor:
        """The same memory without history; writes to it are not counted."""
        return wrap(self.array, self.device)

    @data.setter
    def data(self, other: Tensor) -> None:
        self.array, self.device = other.array, other.device

    def detach(self) -> Tensor:
        """Return a tensor that shares memory and write counter, but has no history."""
        found = wrap(self.array, self.device)
        found.version = self.version
        return found

    def detach_(self) -> Tensor:
        """Forget this tensor's history."""
        self.node, self.index, self.tracked, self.viewed = None, 0, False, None
        return self

    @property
    def _version(self) -> int:
        return self.version[0]

    @property
    def _base(self) -> Tensor | None:
        found = None if self.viewed is None else self.viewed[0]
        while found is not None and found.viewed is not None:
            found = found.viewed[0]
        return found

    def follow_base(self) -> None:
        """Make the history of this view anew if that of its base was changed in place."""
        if self.viewed is None or self.seen == self.version[1]:
            return
        parent, operation, static, _ = self.viewed
        if parent.viewed is not None:
            parent.follow_base()
        self.seen = self.version[1]
        edge = edge_to(parent)
        self.index = 0
        self.tracked = edge is not None
        self.node = None if edge is None else operation.node([edge], (parent,), static, self)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to `grad` of every leaf that it was made of."""
        from stackgrad.autograd import backward

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(gradient)` when this tensor's gradient is complete; it may return another."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node = self.grad_fn
        if node is None:
            self.hooks = self.hooks if self.hooks is not None else {}
            return Handle.add(self.hooks, hook)
        node.pre_hooks = node.pre_hooks if node.pre_hooks is not None else {}
        return Handle.add(node.pre_hooks, (self.index, hook))

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], Any]) -> Handle:
        """Call `hook(tensor)` after a backward pass has added to this leaf's `grad`."""
        if not self.is_leaf:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        return Handle.add(self.__dict__.setdefault("_accumulated", {}), hook)

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `grad` although it is no leaf."""
        if self.grad_fn is None or "_retained" in self.__dict__:
            return
        import weakref

        reference = weakref.ref(self)

        def keep(gradient: Tensor) -> None:
            tensor = reference()
            if tensor is not None:
                tensor.grad = gradient if tensor.grad is None else tensor.grad + gradient

        self._retained = self.register_hook(keep)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor, which is no leaf."""
        return "_retained" in self.__dict__

    # ---- Python and NumPy

    def numpy(self, *, force: bool = False) -> Array:
        """Return the NumPy array that shares this tensor's memory; RuntimeError on a GPU."""
        if mode.tape is not None:
            refuse_capture("numpy() is called")
        if force:
            return self.device.xp.asnumpy(self.array) if self.is_cuda else self.array
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.device.type != "cpu":
            raise RuntimeError("can't convert a CUDA tensor to numpy. Use tensor.cpu() first")
        return self.array

    def __array__(self, kind: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        if kind is not None and array.dtype != kind:
            return array.astype(kind)
        return array.copy() if copy else array

    def item(self) -> Any:
        """Return the one element as a Python number."""
        if mode.tape is not None:
            refuse_capture("item() is called")
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar"
            )
        value = self.array.item()
        return float(value) if self.dtype.is_floating_point else value

    def tolist(self) -> Any:
        """Return nested lists of Python numbers."""
        if mode.tape is not None:
            refuse_capture("tolist() is called")
        array = self.array.astype("float32") if self.dtype is dtypes.bfloat16 else self.array
        return array.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if mode.tape is not None:
            refuse_capture("Python asks whether a tensor is true")
        if self.array.size != 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.array.item())

    def __index__(self) -> int:
        if mode.tape is not None:
            refuse_capture("a tensor becomes a Python index")
        if self.dtype.is_floating_point or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return int(self.array.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        from stackgrad.printing import render

        return render(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.array.ndim else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user support the deepcopy protocol"
            )
        import copy

        found: Tensor = _blank(type(self))
        memo[id(self)] = found
        found.array, found.device, found.tracked = self.array.copy(), self.device, self.tracked
        found.__dict__.update(copy.deepcopy(self.__dict__, memo))
        found.grad = copy.deepcopy(self.grad, memo)
        return found

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        array = self.device.xp.asnumpy(self.array) if self.is_cuda else self.array
        return _rebuild, (type(self), array, str(self.device), self.requires_grad)

    def __dlpack__(self, **options: Any) -> Any:
        from stackgrad.utils.dlpack import to_dlpack

        return to_dlpack(self, **options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


_allocate = object.__new__


def _blank(cls: type[Tensor]) -> Any:
    tensor: Tensor = _allocate(cls)
    tensor.grad = tensor.hooks = tensor.node = tensor.viewed = None
    tensor.index = tensor.seen = 0
    tensor.tracked = False
    tensor.version = [0, 0]
    tensor.device = cpu
    return tensor


def wrap(array: Array, device: Device) -> Tensor:
    """Return a tensor of `array`, which lies on `device`, without a copy and without history."""
    tensor: Tensor = _allocate(Tensor)
    tensor.array = array
    tensor.device = device
    tensor.grad = tensor.hooks = tensor.node = tensor.viewed = None
    tensor.index = tensor.seen = 0
    tensor.tracked = False
    tensor.version = [0, 0]
    return tensor


def _rebuild(cls: type[Tensor], array: Array, where: str, requires_grad: bool) -> Tensor:
    from stackgrad.device import device

    tensor: Tensor = _blank(cls)
    tensor.device = device(where)
    tensor.array, tensor.tracked = tensor.device.asarray(array), requires_grad
    return tensor


def share(result: Tensor, parent: Tensor, operation: Any, static: dict[str, Any]) -> None:
    """Mark `result` as a view of `parent`: one memory, one version, one history."""
    result.version = parent.version
    result.seen = parent.version[1]
    result.viewed = (parent, operation, static, mode.enabled)
