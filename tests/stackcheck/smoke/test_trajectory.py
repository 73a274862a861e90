from __future__ import annotations

import numpy as np
import pytest

from stackcheck.smoke.trajectory import Trajectory, compare_trajectories

STEPS = 4


def trajectory():
    random = np.random.default_rng(0)
    weights = {
        f"{step}/{name}": random.standard_normal((3, 2)).astype(np.float32)
        for step in range(STEPS + 1)
        for name in ("fc1.weight", "fc2.weight")
    }
    return Trajectory([2.0, 1.5, 1.2, 1.0], weights)


def test_equal_trainings_do_not_differ():
    found = compare_trajectories(trajectory(), trajectory(), 1e-4)
    assert found.step is None
    assert found.largest == 0.0


def test_names_the_weight_that_was_loaded_with_other_bits():
    other = trajectory()
    other.weights["0/fc2.weight"][2, 1] *= 1 + 1e-6
    found = compare_trajectories(trajectory(), other, 1e-4)
    assert (found.step, found.parameter) == (0, "fc2.weight")
    assert "fc2.weight[2, 1]" in found.message


def test_names_the_weight_that_changed_in_the_middle():
    other = trajectory()
    other.weights["2/fc1.weight"][0, 1] *= -1
    found = compare_trajectories(trajectory(), other, 1e-4)
    assert (found.step, found.parameter) == (2, "fc1.weight")


@pytest.mark.parametrize("wrong", [1.21, float("nan"), float("inf")])
def test_names_the_step_whose_loss_differs(wrong):
    other = Trajectory([2.0, 1.5, wrong, 1.0], trajectory().weights)
    found = compare_trajectories(trajectory(), other, 1e-4)
    assert found.step == 3
    assert "step 3" in found.message


def test_accepts_rounding_and_says_how_much_it_was():
    other = Trajectory([2.0, 1.5 * (1 + 5e-5), 1.2, 1.0], trajectory().weights)
    found = compare_trajectories(trajectory(), other, 1e-4)
    assert found.step is None
    assert found.largest == pytest.approx(5e-5, rel=1e-3)


def test_a_training_that_stopped_early_differs_where_it_stopped():
    other = Trajectory([2.0, 1.5], trajectory().weights)
    assert compare_trajectories(trajectory(), other, 1e-4).step == 3


def test_a_parameter_that_is_missing_differs():
    other = trajectory()
    weights = {key: value for key, value in other.weights.items() if key != "1/fc1.weight"}
    found = compare_trajectories(trajectory(), Trajectory(other.losses, weights), 1e-4)
    assert (found.step, found.parameter) == (1, "fc1.weight")
