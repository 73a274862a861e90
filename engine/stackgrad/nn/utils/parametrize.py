"""`torch.nn.utils.parametrize`: a parameter computed from others, each time that it is read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from stackgrad.grad_mode import no_grad
from stackgrad.nn.container import ModuleList
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.tensor import Tensor

_cache: list[dict[tuple[int, str], Tensor] | None] = [None]


class ModuleDict(Module):
    """The parametrizations of a module by the name of the parameter."""

    def __getitem__(self, name: str) -> Any:
        return self._modules[name]

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def __len__(self) -> int:
        return len(self._modules)


class ParametrizationList(ModuleList):
    """What a parameter is computed by, from `original` (or `original0`, `original1`, ...)."""

    def __init__(self, modules: Any, original: Tensor) -> None:
        super().__init__(modules)
        first = modules[0]
        value: Any = original
        if hasattr(first, "right_inverse"):
            with no_grad():
                value = first.right_inverse(original)
        self.is_tensor = isinstance(value, Tensor)
        if self.is_tensor:
            self.original = value if isinstance(value, Parameter) else Parameter(value)
        else:
            self.ntensors = len(value)
            for number, part in enumerate(value):
                setattr(self, f"original{number}", Parameter(part))

    def forward(self) -> Tensor:
        """Compute the parameter."""
        first, *others = list(self._modules.values())
        if self.is_tensor:
            found: Tensor = first(self.original)
        else:
            found = first(*(getattr(self, f"original{n}") for n in range(self.ntensors)))
        for part in others:
            found = part(found)
        return found


def _property(name: str) -> property:
    def get(self: Any) -> Tensor:
        held, key = _cache[0], (id(self), name)
        if held is not None and key in held:
            return held[key]
        found: Tensor = self.parametrizations[name]()
        if held is not None:
            held[key] = found
        return found

    def put(self: Any, value: Tensor) -> None:
        parts = self.parametrizations[name]
        for part in reversed(list(parts._modules.values())):  # noqa: SLF001
            if not hasattr(part, "right_inverse"):
                raise RuntimeError(
                    f"{type(part).__name__} has no right_inverse: {name} cannot be set"
                )
            with no_grad():
                value = part.right_inverse(value)
        with no_grad():
            if parts.is_tensor:
                parts.original.copy_(value)
            else:
                for number, given in enumerate(value):
                    getattr(parts, f"original{number}").copy_(given)

    return property(get, put)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Compute a parameter of `module` by `parametrization` from now on; RuntimeError if that changes its shape."""
    if is_parametrized(module, tensor_name):
        module.parametrizations[tensor_name].append(parametrization)
        return module
    original = getattr(module, tensor_name)
    if not isinstance(original, Tensor):
        text = f"Module {module} does not have a parameter or buffer named {tensor_name!r}"
        raise ValueError(text)  # noqa: TRY004  (PyTorch's type)
    parts = ParametrizationList([parametrization], original)
    with no_grad():
        made = parts()
    if not unsafe and made.array.shape != original.array.shape:
        raise RuntimeError(
            "Registering a parametrization may not change the shape of the tensor, "
            f"from {original.shape} to {made.shape}"
        )
    if not is_parametrized(module):
        kind = type(module)
        module.__class__ = type(
            f"Parametrized{kind.__name__}", (kind,), {"__module__": kind.__module__}
        )
        module.parametrizations = ModuleDict()
    delattr(module, tensor_name)
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations.add_module(tensor_name, parts)
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether a module has a parametrization, of `tensor_name` if given."""
    held = module._modules.get("parametrizations")  # noqa: SLF001
    if held is None:
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make the parameter a plain one again: the computed one, or the original unless `leave_parametrized`."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parts = module.parametrizations[tensor_name]
    if not leave_parametrized and not parts.is_tensor:
        raise ValueError("Cannot leave unparametrized a tensor that is parametrized by several")
    with no_grad():
        value = parts().detach().clone() if leave_parametrized else parts.original.detach()
    delattr(type(module), tensor_name)
    del module.parametrizations._modules[tensor_name]  # noqa: SLF001
    setattr(module, tensor_name, Parameter(value))
    if not len(module.parametrizations):
        del module._modules["parametrizations"]  # noqa: SLF001
        module.__class__ = type(module).__bases__[0]
    return module


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized parameter once while the context lasts."""
    before, _cache[0] = _cache[0], {}
    try:
        yield
    finally:
        _cache[0] = before
