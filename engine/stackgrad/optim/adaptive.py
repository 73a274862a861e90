"""Optimizers that scale each element by what its gradients were."""

from __future__ import annotations

import inspect
import math
from typing import Any, ClassVar

from stackgrad.ops.creation import tensor
from stackgrad.ops.elementwise import where
from stackgrad.optim.optimizer import Optimizer, check_ways, zeros_like
from stackgrad.tensor import Tensor

__all__ = ["ASGD", "Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]

Pairs = list[tuple[Tensor, Tensor]]


class _Adaptive(Optimizer):
    """Applies weight decay and the sign, counts the steps, and leaves one parameter to `move`.

    `settings` are the parameters of the constructor after `params`, with their defaults; those that say
    how PyTorch runs it (`check_ways`) may be given by name.
    """

    settings: ClassVar[dict[str, Any]] = {}
    ways: ClassVar[tuple[str, ...]] = ("foreach", "capturable", "differentiable")
    zeros: tuple[str, ...] = ()  # the states that begin at zero
    __signature__: inspect.Signature

    def __init_subclass__(cls) -> None:
        usual = {"foreach": None, "fused": None, "capturable": False, "differentiable": False}
        cls.__signature__ = inspect.Signature(
            [
                inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                *(
                    inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value)
                    for n, value in cls.settings.items()
                ),
                *(
                    inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=value)
                    for n, value in {"maximize": False, **{w: usual[w] for w in cls.ways}}.items()
                ),
            ]
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        bound.apply_defaults()
        given = dict(bound.arguments)
        check_ways(name, **{way: given.pop(way) for way in self.ways})
        for setting in ("lr", "eps", "weight_decay", "momentum", "lr_decay"):
            if given.get(setting, 0) < 0:
                raise ValueError(f"Invalid {setting}: {given[setting]}")
        if not all(0 <= beta < 1 for beta in given.get("betas", ())):
            raise ValueError(f"Invalid betas: {given['betas']}")
        super().__init__(given.pop("params"), given)

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
            if group.get("weight_decay") and not group.get("decoupled_weight_decay"):
                gradient = gradient.add(parameter, alpha=group["weight_decay"])
            elif group.get("weight_decay"):
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

    settings: ClassVar[dict[str, Any]] = {
        "lr": 1e-2,
        "alpha": 0.99,
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum": 0,
        "centered": False,
    }

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

    settings: ClassVar[dict[str, Any]] = {
        "lr": 1e-2,
        "lr_decay": 0,
        "weight_decay": 0,
        "initial_accumulator_value": 0,
        "eps": 1e-10,
    }
    ways = ("foreach", "fused", "differentiable")

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

    settings: ClassVar[dict[str, Any]] = {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0}

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

    settings: ClassVar[dict[str, Any]] = {
        "lr": 2e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
    }

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

    settings: ClassVar[dict[str, Any]] = {
        "lr": 2e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum_decay": 4e-3,
        "decoupled_weight_decay": False,
    }

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

    settings: ClassVar[dict[str, Any]] = {
        "lr": 1e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "decoupled_weight_decay": False,
    }

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


class Rprop(_Adaptive):
    """p -= sign(g) * s, with steps s that grow while the sign stays (Riedmiller and Braun, 1993)."""

    settings: ClassVar[dict[str, Any]] = {"lr": 1e-2, "etas": (0.5, 1.2), "step_sizes": (1e-6, 50)}
    zeros = ("prev",)

    def begin(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Start the step sizes."""
        state["step_size"] = zeros_like(parameter).add_(float(group["lr"]))

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        del step
        (less, more), (smallest, largest) = group["etas"], group["step_sizes"]
        turn = (g * state["prev"]).sign()
        factor = where(turn > 0, more, where(turn < 0, less, 1.0))
        state["step_size"].mul_(factor).clamp_(smallest, largest)
        g = where(turn < 0, 0.0, g)
        p.addcmul_(g.sign(), state["step_size"], value=-1)
        state["prev"].copy_(g)


class ASGD(_Adaptive):
    """Stochastic gradient descent with a falling rate, and the mean of what it passes (Polyak and Juditsky, 1992)."""

    settings: ClassVar[dict[str, Any]] = {
        "lr": 1e-2, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6, "weight_decay": 0,
    }  # fmt: skip
    zeros = ("ax",)

    def begin(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Start rate and weight of the mean."""
        del parameter
        state["eta"], state["mu"] = tensor(float(group["lr"])), tensor(1.0)

    def move(
        self, p: Tensor, g: Tensor, state: dict[str, Any], group: dict[str, Any], step: float
    ) -> None:
        """Update one parameter."""
        eta, lr, lambd = float(state["eta"]), float(group["lr"]), group["lambd"]
        p.mul_(1 - lambd * eta).add_(g, alpha=-eta)
        mu = float(state["mu"])
        state["ax"].copy_(p if mu == 1 else state["ax"] + (p - state["ax"]) * mu)
        state["eta"].fill_(lr / (1 + lambd * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
