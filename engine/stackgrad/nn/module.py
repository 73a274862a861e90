"""The base of all layers: parameters, buffers, children, hooks and state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stackgrad.nn.conversion import Convertible
from stackgrad.nn.hooks import Hooked
from stackgrad.nn.parameter import Buffer, Parameter
from stackgrad.nn.state import Stateful
from stackgrad.tensor import Tensor

__all__ = ["Module"]


class Module(Stateful, Convertible, Hooked):
    """A layer or network. Subclasses make their parts in `__init__` and define `forward`."""

    training: bool

    def __init__(self) -> None:
        values = self.__dict__
        values["training"] = True
        values["_parameters"], values["_buffers"], values["_modules"] = {}, {}, {}
        values["_transient"] = set()
        values["_forward_pre_hooks"], values["_forward_hooks"] = {}, {}
        values["_backward_hooks"], values["_backward_pre_hooks"] = {}, {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass has its own."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` with the hooks around it."""
        values = self.__dict__
        if not (
            values["_forward_pre_hooks"]
            or values["_forward_hooks"]
            or values["_backward_hooks"]
            or values["_backward_pre_hooks"]
        ):
            return self.forward(*args, **kwargs)
        return self.call_with_hooks(args, kwargs)

    # ---- attributes

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: C901
        parameters = self.__dict__.get("_parameters")
        if parameters is None and isinstance(value, (Parameter, Module)):
            raise AttributeError(f"cannot assign {name!r} before Module.__init__() call")
        if parameters is None:
            object.__setattr__(self, name, value)
            return
        places = {"_parameters": Parameter, "_modules": Module}
        for place, kind in places.items():
            if isinstance(value, kind):
                for other in ("_parameters", "_buffers", "_modules"):
                    if other != place:
                        self.__dict__[other].pop(name, None)
                self.__dict__.pop(name, None)
                self.__dict__[place][name] = value
                return
        if isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
            return
        for place in ("_parameters", "_modules", "_buffers"):
            if name in self.__dict__[place]:
                if place == "_parameters" and value is not None:
                    what = type(value).__name__
                    raise TypeError(
                        f"cannot assign {what!r} as parameter {name!r} "
                        "(torch.nn.Parameter or None expected)"
                    )
                self.__dict__[place][name] = value
                return
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        for place in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(place)
            if found is not None and name in found:
                return found[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for place in ("_parameters", "_buffers", "_modules"):
            if self.__dict__[place].pop(name, self) is not self:
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None keeps the name free."""
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is saved with the module (if `persistent`) but not trained."""
        self.__dict__.pop(name, None)
        self._buffers[name] = tensor
        (self._transient.discard if persistent else self._transient.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child."""
        self._modules[name] = module

    add_module = register_module

    def get_submodule(self, target: str) -> Module:
        """Return the descendant at a dotted path; AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else []:
            module = getattr(module, name)
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a dotted path."""
        path, _, name = target.rpartition(".")
        found: Parameter = getattr(self.get_submodule(path), name)
        return found

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a dotted path."""
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if name not in owner._buffers:  # noqa: SLF001
            raise AttributeError(f"{name!r} is not a buffer")
        found: Tensor = getattr(owner, name)
        return found

    def set_submodule(self, target: str, module: Module) -> None:
        """Put a module at a dotted path in the place of what is there."""
        path, _, name = target.rpartition(".")
        setattr(self.get_submodule(path), name, module)

    # ---- what there is

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all descendants, each once, with their paths."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(
                    memo, f"{prefix}.{name}" if prefix else name, remove_duplicate
                )

    def modules(self) -> Iterator[Module]:
        """Yield this module and all descendants, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the children with their names."""
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        """Yield the children."""
        return (module for _, module in self.named_children())

    def _named_tensors(
        self, place: str, prefix: str, recurse: bool, once: bool = True
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, tensor in module.__dict__[place].items():
                if tensor is None or (once and id(tensor) in seen):
                    continue
                seen.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters, each once, with their paths."""
        return self._named_tensors("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their paths."""
        return self._named_tensors("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    # ---- changes to all of it

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call `fn` with every descendant and then this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Module:
        """Set training or evaluation mode here and below."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Set evaluation mode here and below."""
        return self.train(mode=False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Ask for gradients of all parameters, or stop asking."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients, or set them to zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach() * 0

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of the module's text."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = [
            f"({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self._modules.items()
        ]
        extra = self.extra_repr()
        if not lines:
            return f"{self._get_name()}({extra})"
        head = [extra] if extra else []
        return f"{self._get_name()}(\n  " + "\n  ".join(head + lines) + "\n)"
