"""Limited-memory BFGS (Nocedal, 1980), without a line search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stackgrad.grad_mode import enable_grad, no_grad
from stackgrad.ops.joining import cat
from stackgrad.optim.optimizer import Optimizer
from stackgrad.tensor import Tensor

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Moves along minus the gradient times an estimate of the inverse Hessian, from past steps."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn is not None:
            raise NotImplementedError("LBFGS(line_search_fn=) is not implemented in stackgrad")
        settings = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
        }
        super().__init__(params, settings)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _gradient(self) -> Tensor:
        params = self.param_groups[0]["params"]
        return cat([(p.grad if p.grad is not None else p.detach() * 0).reshape(-1) for p in params])

    def _add(self, rate: float, direction: Tensor) -> None:
        start = 0
        for parameter in self.param_groups[0]["params"]:
            stop = start + parameter.numel()
            part = direction[start:stop].reshape(parameter.array.shape)
            parameter.add_(part, alpha=rate)
            start = stop

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` steps; `closure` computes loss and gradients anew and is required."""
        if closure is None:
            raise RuntimeError("LBFGS needs a closure that computes the loss and the gradients")
        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        with no_grad():
            first = loss = _evaluate(closure)
            gradient = self._gradient()
            calls = 1
            for number in range(1, group["max_iter"] + 1):
                if float(gradient.abs().max()) <= group["tolerance_grad"]:
                    break
                direction = self._direction(state, gradient, group["history_size"])
                count = state["n_iter"] = state.get("n_iter", 0) + 1
                slope = float(gradient.dot(direction))
                rate = float(group["lr"])
                if count == 1:
                    rate *= min(1.0, 1.0 / float(gradient.abs().sum()))
                state["prev_flat_grad"], state["step_taken"] = gradient, direction * rate
                if slope > -group["tolerance_change"]:
                    break
                self._add(rate, direction)
                if number == group["max_iter"]:
                    break  # what comes next begins with an evaluation
                previous, loss = loss, _evaluate(closure)
                gradient = self._gradient()
                calls += 1
                moved = float(direction.abs().max()) * rate
                still = moved <= group["tolerance_change"]
                flat = abs(float(loss) - float(previous)) < group["tolerance_change"]
                if still or flat or calls >= group["max_eval"]:
                    break
        return first

    def _direction(self, state: dict[str, Any], gradient: Tensor, size: int) -> Tensor:
        """Return minus the estimated inverse Hessian times the gradient (the two-loop recursion)."""
        steps: list[Tensor] = state.setdefault("old_stps", [])
        changes: list[Tensor] = state.setdefault("old_dirs", [])
        if state.get("n_iter", 0) == 0:
            state["H_diag"] = 1.0
            return -gradient
        step, change = state["step_taken"], gradient - state["prev_flat_grad"]
        product = float(change.dot(step))
        if product > 1e-10:
            steps.append(step)
            changes.append(change)
            del steps[:-size], changes[:-size]
            state["H_diag"] = product / float(change.dot(change))
        direction: Tensor = -gradient
        factors: list[float] = []
        for s, y in zip(reversed(steps), reversed(changes), strict=True):
            factor = float(s.dot(direction)) / float(y.dot(s))
            factors.append(factor)
            direction = direction - y * factor
        direction = direction * state["H_diag"]
        for s, y, factor in zip(steps, changes, reversed(factors), strict=True):
            direction = direction + s * (factor - float(y.dot(direction)) / float(y.dot(s)))
        return direction


def _evaluate(closure: Callable[[], Any]) -> Any:
    with enable_grad():
        return closure()
