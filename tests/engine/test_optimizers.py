from __future__ import annotations

import warnings

import numpy as np
import pytest
import stackgrad

torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is not installed")

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

OPTIMIZERS = {
    "SGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}, {"lr": 0.001, "momentum": 0.9, "nesterov": True, "maximize": True}],
    "Adam": [{}, {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}, {"maximize": True, "betas": (0.5, 0.9), "eps": 1e-4}],
    "AdamW": [{}, {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}],
    "RMSprop": [{}, {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.1}],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.5, "weight_decay": 0.1}],
    "Adamax": [{}, {"lr": 0.1, "weight_decay": 0.1}],
    "NAdam": [{}, {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"lr": 0.1, "weight_decay": 0.1}],
    "LBFGS": [{"lr": 0.5}, {"lr": 0.3, "max_iter": 5, "history_size": 3}],
}  # fmt: skip
CASES = [(name, settings) for name, several in OPTIMIZERS.items() for settings in several]
SCHEDULERS = {
    "StepLR": {"step_size": 3, "gamma": 0.5}, "MultiStepLR": {"milestones": [2, 5, 5]}, "ExponentialLR": {"gamma": 0.9},
    "ConstantLR": {"total_iters": 4}, "LinearLR": {"total_iters": 6}, "PolynomialLR": {"total_iters": 7, "power": 2},
    "CosineAnnealingLR": {"T_max": 8, "eta_min": 0.01}, "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    "LambdaLR": {"lr_lambda": lambda epoch: 0.5**epoch}, "OneCycleLR": {"max_lr": 0.5, "total_steps": 12},
}  # fmt: skip


def trajectory(library, optimizer_of):
    start = np.random.default_rng(0).standard_normal(4)
    p = library.from_numpy(start.copy()).requires_grad_()
    a = library.from_numpy(np.array([3.0, 1.0, 0.5, 0.2]))
    optimizer = optimizer_of(library, [p])
    found = []
    for _ in range(12):

        def closure():
            optimizer.zero_grad()
            loss = (a * (p - 1) ** 2).sum() + (p[0] * p[1]).sin()
            loss.backward()
            return loss

        optimizer.step(closure)
        found.append(p.detach().numpy().copy())
    return np.stack(found)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_optimizers_take_pytorchs_steps(name, settings):
    paths = [
        trajectory(library, lambda lib, p: getattr(lib.optim, name)(p, **settings))
        for library in (torch, stackgrad)
    ]
    np.testing.assert_allclose(paths[1], paths[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_set_pytorchs_rates(name):
    rates = []
    for library in (torch, stackgrad):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer = library.optim.SGD([library.zeros(1, requires_grad=True)], 0.2, momentum=0.9)
            scheduler = getattr(library.optim.lr_scheduler, name)(optimizer, **SCHEDULERS[name])
            found = []
            for _ in range(11):
                found += [optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]]
                optimizer.step()
                scheduler.step()
        rates.append(found)
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-9)


def test_a_plateau_lowers_the_rate_when_pytorchs_does():
    metrics = [1.0, 0.9, 0.9, 0.91, 0.9, 0.5, 0.6, 0.6, 0.6, 0.6]
    rates = []
    for library in (torch, stackgrad):
        optimizer = library.optim.SGD([library.zeros(1, requires_grad=True)], 0.2)
        scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, cooldown=1)
        found = []
        for metric in metrics:
            scheduler.step(metric)
            found.append(optimizer.param_groups[0]["lr"])
        rates.append(found)
    assert rates[1] == rates[0]
