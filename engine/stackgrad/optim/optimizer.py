"""What all optimizers share: groups of parameters with settings, state, and zeroing gradients."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from stackgrad.grad_mode import enable_grad, no_grad, replayed
from stackgrad.graph import Handle
from stackgrad.tensor import Tensor, wrap

__all__ = ["Optimizer"]


class Optimizer:
    """Base of optimizers. Subclasses update one group of parameters in `update`."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor"
            )
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with their own settings."""
        given = param_group["params"]
        params = (
            [given]
            if isinstance(given, Tensor)
            else [p[1] if isinstance(p, tuple) else p for p in given]
        )
        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}"
                )
            if not parameter.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if known & {id(p) for p in params}:
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients, or set them to zero."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none or parameter.grad is None:
                    parameter.grad = None
                else:
                    parameter.grad = parameter.grad.detach() * 0

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before every step."""
        return Handle.add(self.__dict__.setdefault("_before", {}), hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return Handle.add(self.__dict__.setdefault("_after", {}), hook)

    @replayed
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient; return the loss of `closure` if one is given."""
        for hook in list(self.__dict__.get("_before", {}).values()):
            hook(self, (closure,), {})
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                self.update(group, [(p, p.grad) for p in group["params"] if p.grad is not None])
        for hook in list(self.__dict__.get("_after", {}).values()):
            hook(self, (closure,), {})
        return loss

    def update(self, group: dict[str, Any], params: list[tuple[Tensor, Tensor]]) -> None:
        """Update parameters by their gradients and the settings of `group`."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return state and settings, the parameters numbered in order."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for parameter in group["params"]:
                numbers.setdefault(id(parameter), len(numbers))
            saved = {key: value for key, value in group.items() if key != "params"}
            groups.append({**saved, "params": [numbers[id(p)] for p in group["params"]]})
        return {
            "state": {numbers[id(p)]: dict(values) for p, values in self.state.items()},
            "param_groups": groups,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and settings; ValueError if the groups do not fit."""
        groups = state_dict["param_groups"]
        if [len(g["params"]) for g in groups] != [len(g["params"]) for g in self.param_groups]:
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        parameters: dict[int, Tensor] = {}
        for own, given in zip(self.param_groups, groups, strict=True):
            parameters.update(zip(given["params"], own["params"], strict=True))
            own.update({key: value for key, value in given.items() if key != "params"})
        self.state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            self.state[parameters[number]] = {
                key: value.clone() if isinstance(value, Tensor) else copy.deepcopy(value)
                for key, value in values.items()
            }

    def __repr__(self) -> str:
        lines = []
        for number, group in enumerate(self.param_groups):
            settings = [
                f"    {key}: {value}" for key, value in sorted(group.items()) if key != "params"
            ]
            lines.append("\n".join([f"Parameter Group {number}", *settings]))
        return f"{type(self).__name__} (\n" + "\n".join(lines) + "\n)"


def check_ways(
    name: str,
    *,
    foreach: bool | None = None,
    fused: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
) -> None:
    """Check the arguments that say how PyTorch runs an optimizer.

    `foreach`, `fused` and `capturable` choose among its loops, which all take the same steps.
    Differentiating through a step would be another thing, and is refused.
    """
    for way, value in {"foreach": foreach, "fused": fused, "capturable": capturable}.items():
        if value not in (None, True, False):
            raise TypeError(f"{name}({way}=) should be a bool, not {value!r}")
    if foreach and fused:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise NotImplementedError(f"{name}(differentiable=True) is not implemented in stackgrad")


def zeros_like(parameter: Tensor) -> Tensor:
    """Return zeros for a state of `parameter`."""
    return wrap(
        parameter.device.xp.zeros(parameter.array.shape, parameter.array.dtype), parameter.device
    )
