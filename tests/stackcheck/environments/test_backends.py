from __future__ import annotations

import pytest

from stackcheck.environments.backends import lacks_backend, variables_of
from stackcheck.environments.planning import resolve_for
from stackcheck.environments.writers import (
    apptainer,
    dockerfile,
    environment_yml,
    modulefile,
)
from stackcheck.knowledge.knowledge import load
from stackcheck.resolve.requirements import parse_requirement
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import Wishes
from tests.stackcheck.environments import plans

KERAS = plans.build("keras", "3.11.3", "any")


def resolved(*texts, **stated):
    knowledge = load(None)
    machine = state_machine(Statement(os="Ubuntu 22.04", **stated), knowledge)
    asked = [parse_requirement(text, knowledge) for text in texts]
    return resolve_for(asked, [machine], knowledge, Wishes(), installer="none", kinds=())


def test_keras_alone_gets_a_backend_and_says_so():
    found = resolved("keras", no_gpu=True)

    assert {build.framework for build in found.plan.builds} == {"keras", "tensorflow"}
    assert "Keras needs a backend and none was named: tensorflow" in found.assumed


def test_a_backend_that_was_named_is_the_only_one():
    found = resolved("keras", "jax", no_gpu=True)

    assert {build.framework for build in found.plan.builds} == {"keras", "jax"}


def test_only_keras_without_a_framework_lacks_a_backend():
    assert lacks_backend([KERAS])
    assert not lacks_backend([KERAS, plans.TORCH_CPU])
    assert not lacks_backend([plans.JAX_WHEEL])


@pytest.mark.parametrize(
    ("builds", "variables"),
    [
        ([KERAS, plans.JAX_WHEEL], {"KERAS_BACKEND": "jax"}),
        ([KERAS, plans.TORCH_CPU], {"KERAS_BACKEND": "torch"}),
        ([KERAS, plans.TENSORFLOW_FORGE, plans.JAX_WHEEL], {}),
        ([plans.JAX_WHEEL], {}),
        ([plans.build("keras", "2.4.3", "any"), plans.JAX_WHEEL], {}),
    ],
)
def test_keras_is_told_of_a_backend_that_it_would_not_look_for(builds, variables):
    assert variables_of(builds) == variables


def test_every_file_that_can_carries_the_backend_s_name():
    recipe = plans.recipe(KERAS, plans.JAX_WHEEL, prefix="/envs/here")

    assert 'variables:\n  KERAS_BACKEND: "jax"\n' in environment_yml.write(recipe)
    assert "ENV KERAS_BACKEND=jax\n" in dockerfile.write(recipe)
    assert "export KERAS_BACKEND=jax\n" in apptainer.write(recipe)
    assert "setenv KERAS_BACKEND jax\n" in modulefile.write(recipe)
