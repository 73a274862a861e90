"""The base of all layers: parameters, buffers, children, hooks and state."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from stackgrad.grad_mode import no_grad
from stackgrad.graph import Handle
from stackgrad.nn.parameter import Buffer, Parameter
from stackgrad.tensor import Tensor

__all__ = ["Module"]


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it did not expect."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A layer or network. Subclasses make their parts in `__init__` and define `forward`."""

    training: bool

    def __init__(self, *_: Any, **__: Any) -> None:
        values = self.__dict__
        values["training"] = True
        values["_parameters"], values["_buffers"], values["_modules"] = {}, {}, {}
        values["_transient"] = set()
        values["_forward_pre_hooks"], values["_forward_hooks"] = {}, {}
        values["_backward_hooks"], values["_state_hooks"] = {}, {}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass has its own."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` with the hooks around it."""
        if not (self._forward_pre_hooks or self._forward_hooks or self._backward_hooks):
            return self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            found = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if found is not None and with_kwargs:
                args, kwargs = found
            elif found is not None:
                args = found if isinstance(found, tuple) else (found,)
        result = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks.values()):
            found = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            result = result if found is None else found
        for hook in list(self._backward_hooks.values()):
            self._watch(hook, result)
        return result

    def _watch(self, hook: Callable[..., Any], result: Any) -> None:
        first = next(
            (
                t
                for t in (result if isinstance(result, tuple) else (result,))
                if isinstance(t, Tensor)
            ),
            None,
        )
        if first is not None and first.requires_grad:
            first.register_hook(lambda g: hook(self, (), (g,)))

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

    def _convert(self, change: Callable[[Tensor], Tensor]) -> Module:
        with no_grad():
            for module in self.modules():
                places = module.__dict__
                both = (places["_parameters"], places["_buffers"])
                for tensor in itertools.chain(*(place.values() for place in both)):
                    if tensor is not None:
                        changed = change(tensor)
                        tensor.array, tensor.device = changed.array, changed.device
                        if tensor.grad is not None:
                            tensor.grad = change(tensor.grad)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Module:
        """Move to a device, and cast floating-point tensors to a dtype, in place."""
        from stackgrad.dtypes import dtype

        kinds = [a for a in (*args, *kwargs.values()) if isinstance(a, dtype)]
        places = [a for a in args if not isinstance(a, (dtype, bool))] + [kwargs.get("device")]
        place = next((p for p in places if p is not None), None)

        def change(tensor: Tensor) -> Tensor:
            kind = kinds[0] if kinds and tensor.dtype.is_floating_point else None
            return tensor.to(device=place, dtype=kind)

        return self._convert(change)

    def cuda(self, device: Any = None) -> Module:
        """Move to a GPU."""
        return self.to("cuda" if device is None else device)

    def cpu(self) -> Module:
        """Move to the CPU."""
        return self.to("cpu")

    def float(self) -> Module:
        """Cast to float32."""
        return self._convert(lambda t: t.float() if t.dtype.is_floating_point else t)

    def double(self) -> Module:
        """Cast to float64."""
        return self._convert(lambda t: t.double() if t.dtype.is_floating_point else t)

    def half(self) -> Module:
        """Cast to float16."""
        return self._convert(lambda t: t.half() if t.dtype.is_floating_point else t)

    def bfloat16(self) -> Module:
        """Cast to bfloat16."""
        return self._convert(lambda t: t.bfloat16() if t.dtype.is_floating_point else t)

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

    # ---- state

    def state_dict(self, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return parameters and persistent buffers by path; they share memory unless copied."""
        destination = OrderedDict() if destination is None else destination
        for name, tensor in self._parameters.items():
            if tensor is not None:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, tensor in self._buffers.items():
            if tensor is not None and name not in self._transient:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination, f"{prefix}{name}.", keep_vars)
        return destination

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy tensors by path; RuntimeError with all names that are missing, unexpected or of another shape."""
        own = self.state_dict(keep_vars=True)
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        faults = []
        for name, tensor in own.items():
            given = state_dict.get(name)
            if given is None:
                continue
            if given.array.shape != tensor.array.shape:
                faults.append(
                    f"size mismatch for {name}: copying a param with shape {given.shape} from checkpoint, "
                    f"the shape in current model is {tensor.shape}."
                )
            elif assign:
                tensor.array, tensor.device = given.array, given.device
            else:
                with no_grad():
                    tensor.copy_(given)
        if strict and missing:
            faults.append(
                "Missing key(s) in state_dict: " + ", ".join(f'"{name}"' for name in missing) + "."
            )
        if strict and unexpected:
            faults.append(
                "Unexpected key(s) in state_dict: "
                + ", ".join(f'"{name}"' for name in unexpected)
                + "."
            )
        if faults:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(faults)
            )
        return IncompatibleKeys(missing, unexpected)

    # ---- hooks

    def register_forward_pre_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> Handle:
        """Call `hook(module, args)` before `forward`; it may return other arguments."""
        return Handle.add(self._forward_pre_hooks, (hook, with_kwargs), first=prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,  # noqa: ARG002
    ) -> Handle:
        """Call `hook(module, args, output)` after `forward`; it may return another output."""
        return Handle.add(self._forward_hooks, (hook, with_kwargs), first=prepend)

    def register_full_backward_hook(
        self,
        hook: Callable[..., Any],
        prepend: bool = False,
    ) -> Handle:
        """Call `hook(module, (), grad_output)` when the gradient of the output is complete."""
        return Handle.add(self._backward_hooks, hook, first=prepend)

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
