"""The older `weight_norm` and `spectral_norm`: a hook sets the weight before every call."""

from __future__ import annotations

from typing import Any

from stackgrad.grad_mode import no_grad
from stackgrad.nn.functional.activation import normalize
from stackgrad.nn.module import Module
from stackgrad.nn.parameter import Parameter
from stackgrad.nn.utils.parametrizations import norm_except
from stackgrad.tensor import Tensor


class WeightNorm:
    """Sets a weight to g * v / |v| from the parameters `name`_g and `name`_v."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Any) -> Tensor:
        """Return the weight."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        found: Tensor = v * (g / norm_except(v, self.dim))
        return found

    def __call__(self, module: Any, _: Any) -> None:
        """Set the weight of `module`."""
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train length and direction of a weight as parameters `name`_g and `name`_v."""
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except(weight.detach(), dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, None)
    module.register_forward_pre_hook(hook)
    return module


class SpectralNorm:
    """Sets a weight to `name`_orig over its largest singular value; `name`_u, `name`_v are its vectors."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Any, update: bool = True) -> Tensor:
        """Return the weight, after power iterations if `update`."""
        weight = getattr(module, f"{self.name}_orig")
        matrix = weight.movedim(self.dim, 0).flatten(1)
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        if update:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matrix.transpose(0, 1).mv(u), dim=0, eps=self.eps))
                    u.copy_(normalize(matrix.mv(v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()
        found: Tensor = weight / u.dot(matrix.mv(v))
        return found

    def __call__(self, module: Any, _: Any) -> None:
        """Set the weight of `module`."""
        setattr(module, self.name, self.compute_weight(module, update=module.training))


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value, as a parameter `name`_orig."""
    turned = type(module).__name__.startswith("ConvTranspose")
    hook = SpectralNorm(name, n_power_iterations, int(turned) if dim is None else dim, eps)
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", Parameter(weight.detach()))
    rows, columns = weight.detach().movedim(hook.dim, 0).flatten(1).array.shape
    with no_grad():
        setattr(module, name, weight.detach())
        for end, size in (("u", rows), ("v", columns)):
            drawn = weight.new_empty(size).normal_(0, 1)
            module.register_buffer(f"{name}_{end}", normalize(drawn, dim=0, eps=eps))
    module.register_forward_pre_hook(hook)
    return module


def _remove(module: Any, name: str, kind: type, endings: tuple[str, ...]) -> Module:
    for key, (hook, _) in module._forward_pre_hooks.items():  # noqa: SLF001
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            with no_grad():
                options = {"update": False} if kind is SpectralNorm else {}
                weight = hook.compute_weight(module, **options).detach()  # type: ignore[attr-defined]
            delattr(module, name)
            for ending in endings:
                delattr(module, f"{name}_{ending}")
            module.register_parameter(name, Parameter(weight))
            del module._forward_pre_hooks[key]  # noqa: SLF001
            found: Module = module
            return found
    raise ValueError(f"{kind.__name__} of {name!r} not found in {module}")


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight one parameter again."""
    return _remove(module, name, WeightNorm, ("g", "v"))


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight, as it is, one parameter again."""
    return _remove(module, name, SpectralNorm, ("orig", "u", "v"))
