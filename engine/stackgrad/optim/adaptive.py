"""Optimizers that scale each element by what its gradients were."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from stackgrad.ops.creation import tensor
from stackgrad.optim.optimizer import Optimizer, zeros_like
from stackgrad.tensor import Tensor

__all__ = ["Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "RMSprop"]

Pairs = list[tuple[Tensor, Tensor]]


class _Adaptive(Optimizer):
    """Applies weight decay and the sign, counts the steps, and leaves one parameter to `move`."""

    zeros: tuple[str, ...] = ()  # the states that begin at zero

    def __init__(self, params: Iterable[Any], **settings: Any) -> None:
        if settings.pop("differentiable", False):
            raise NotImplementedError(
                f"{type(self).__name__}(differentiable=True) is not implemented in stackgrad"
            )
        for name in ("foreach", "fused", "capturable"):  # how PyTorch runs it, not what it is
            settings.pop(name, None)
        for name in ("lr", "eps", "weight_decay"):
            if settings.get(name, 0) < 0:
                raise ValueError(f"Invalid {name}: {settings[name]}")
        super().__init__(params, {"maximize": False, **settings})

    def update(self, group: dict[str, Any], params: Pairs) -> None:
        """Update parameters by their gradients and the settings of `group`."""
        for parameter, given in params:
            gradient = -given if group["maximize"] else given
            state = self.state[parameter]
            if not state:
                state["step"] = tensor(0.0)
                state |= {name: zeros_like(parameter) for name in self.zeros}
                self.begin(parameter, state, group)
            state["step"] += 1
            if group["weight_decay"] and not group.get("decoupled_weight_decay"):
                gradient = gradient.add(parameter, alpha=group["weight_decay"])
            elif group["weight_decay"]:
                parameter.mul_(1 - float(group["lr"]) * group["weight_decay"])
            self.move(parameter, gradient, state, group, float(state["step"]))

    def begin(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Add the states that do not begin at zero."""

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        raise NotImplementedError


class RMSprop(_Adaptive):
    """p -= lr * g / (sqrt(v) + eps), v a running mean of g * g (Hinton's lecture 6e, 2012)."""

    zeros = ("square_avg",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            **options,
        )

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        del step
        alpha = group["alpha"]
        square = state["square_avg"].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        if group["centered"]:
            mean = state.setdefault("grad_avg", zeros_like(p)).mul_(alpha).add_(g, alpha=1 - alpha)
            square = square - mean * mean
        scaled = g / (square.sqrt() + group["eps"])
        if group["momentum"]:
            velocity = state.setdefault("momentum_buffer", zeros_like(p))
            scaled = velocity.mul_(group["momentum"]).add_(scaled)
        p.add_(scaled, alpha=-float(group["lr"]))


class Adagrad(_Adaptive):
    """p -= lr * g / (sqrt(sum of g * g) + eps) (Duchi, Hazan and Singer, 2011)."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        **options: Any,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            eps=eps,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            **options,
        )

    def begin(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Start the sums."""
        state["sum"] = zeros_like(parameter).add_(group["initial_accumulator_value"])

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        state["sum"].addcmul_(g, g)
        rate = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        p.addcdiv_(g, state["sum"].sqrt() + group["eps"], value=-rate)


class Adadelta(_Adaptive):
    """p -= lr * g * rms(earlier steps) / rms(gradients) (Zeiler, 2012)."""

    zeros = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        **options: Any,
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, **options)

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        del step
        rho, eps = group["rho"], group["eps"]
        square = state["square_avg"].mul_(rho).addcmul_(g, g, value=1 - rho)
        delta = (state["acc_delta"] + eps).sqrt() / (square + eps).sqrt() * g
        state["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-float(group["lr"]))


class Adamax(_Adaptive):
    """Adam with the largest gradient in the place of their mean square (Kingma and Ba, 2014)."""

    zeros = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        **options: Any,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, **options)

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        beta1, beta2 = group["betas"]
        mean = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        largest = (state["exp_inf"] * beta2).maximum(g.abs() + group["eps"])
        state["exp_inf"].copy_(largest)
        p.addcdiv_(mean, largest, value=-float(group["lr"]) / (1 - beta1**step))


class NAdam(_Adaptive):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    zeros = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            **options,
        )

    def begin(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:  # noqa: ARG002
        """Start the product of the momenta."""
        state["mu_product"] = tensor(1.0)

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        now, later = (
            beta1 * (1 - 0.5 * 0.96 ** (n * group["momentum_decay"])) for n in (step, step + 1)
        )
        state["mu_product"] *= now
        product = float(state["mu_product"])
        mean = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        square = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        root = (square / (1 - beta2**step)).sqrt() + group["eps"]
        p.addcdiv_(g, root, value=-lr * (1 - now) / (1 - product))
        p.addcdiv_(mean, root, value=-lr * later / (1 - product * later))


class RAdam(_Adaptive):
    """Adam that waits until its variance can be trusted (Liu et al., 2019)."""

    zeros = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            **options,
        )

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        mean = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        square = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        steady = mean / (1 - beta1**step)
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * beta2**step / (1 - beta2**step)
        if length <= 5:
            p.add_(steady, alpha=-lr)
            return
        above = (length - 4) * (length - 2) * limit
        below = (limit - 4) * (limit - 2) * length
        factor = math.sqrt(above / below) * math.sqrt(1 - beta2**step)
        p.addcdiv_(steady, square.sqrt() + group["eps"], value=-lr * factor)
