from __future__ import annotations

import pytest
from packaging.requirements import InvalidRequirement

from stackcheck.environments.packages import packages_of
from stackcheck.environments.virtual_packages import overrides_of, virtual_packages_of
from tests.stackcheck.environments import plans


def specs(*builds, **fields):
    return [str(spec) for spec in plans.recipe(*builds, **fields).packages.conda]


def wheels(*builds, **fields):
    return {
        wheel.text: wheel.index.url if wheel.index else None
        for wheel in plans.recipe(*builds, **fields).packages.wheels
    }


def test_a_gpu_build_of_conda_forge_is_never_asked_for_by_its_bare_name():
    assert specs(plans.TORCH_FORGE) == [
        "pytorch ==2.13.0 cuda129*",
        "pytorch-gpu ==2.13.0",
        "cuda-version 12.9.*",
    ]
    assert specs(plans.JAX_FORGE)[:2] == ["jax ==0.9.2", "jaxlib ==0.9.2 cuda129*"]
    assert specs(plans.TENSORFLOW_FORGE)[0] == "tensorflow ==2.19.1 cuda128*"


def test_a_cpu_build_of_conda_forge_is_asked_for_as_such():
    cpu = plans.build("pytorch", "2.13.0", "cpu", "conda-forge", distribution="pytorch-cpu")

    assert specs(cpu) == ["pytorch ==2.13.0 cpu*", "pytorch-cpu ==2.13.0"]


def test_the_legacy_channel_names_its_cuda_as_each_era_did():
    assert specs(plans.TORCH_LEGACY) == ["pytorch ==2.5.1", "pytorch-cuda 12.4.*"]
    assert specs(plans.TORCH_OLD) == ["pytorch ==1.7.1", "cudatoolkit 11.0.*"]
    assert plans.recipe(plans.TORCH_LEGACY).packages.channels == (
        "pytorch",
        "nvidia",
        "conda-forge",
    )
    assert plans.recipe(plans.TORCH_OLD).packages.channels == ("pytorch", "conda-forge")


def test_a_wheel_of_the_projects_index_is_pinned_with_its_local_version():
    assert wheels(plans.TORCH_CU128) == {
        "torch==2.9.0+cu128": "https://download.pytorch.org/whl/cu128"
    }


def test_a_companion_is_looked_up_where_its_framework_is():
    found = wheels(plans.TORCH_CU128, packages={"torchvision": "==0.24.0", "numpy": "<2"})

    assert found["torchvision==0.24.0"] == "https://download.pytorch.org/whl/cu128"
    assert found["numpy<2"] is None


def test_the_rows_own_install_line_names_extras_and_index():
    assert wheels(plans.JAX_WHEEL) == {"jax[cuda12]==0.7.1": None}
    assert wheels(plans.PADDLE) == {
        "paddlepaddle-gpu==3.3.1": "https://paddle.example/stable/cu126/"
    }
    index = plans.recipe(plans.JAX_OLD).packages.indexes[0]
    assert (index.kind, index.url) == ("find-links", "https://jax.example/jax_cuda_releases.html")


def test_constraints_hold_the_builds_and_the_plans_pins():
    packages = packages_of(plans.plan(plans.JAX_WHEEL, packages={"numpy": "<2"}), ["rich>=13"])

    assert packages.constraints == ("jax==0.7.1", "numpy<2")
    assert packages.wheels[-1].text == "rich>=13"


def test_in_a_conda_plan_pins_are_conda_specs_unless_only_the_index_has_the_name():
    packages = {"numpy": "==1.26.*", "nvidia-ml-py": ""}
    recipe = plans.recipe(plans.TORCH_FORGE, packages=packages)

    assert "numpy 1.26.*" in [str(spec) for spec in recipe.packages.conda]
    assert [wheel.text for wheel in recipe.packages.wheels] == ["nvidia-ml-py"]


def test_refuses_a_malformed_addition():
    with pytest.raises(InvalidRequirement):
        packages_of(plans.plan(plans.TORCH_CPU), ["transformers=>"])


def test_virtual_packages_are_those_of_the_plans_machine():
    made = plans.plan(
        plans.TORCH_FORGE, driver_cuda="13.0", capabilities=["9.0", "7.5"], glibc="2.35"
    )
    known = {entry.name: entry.version for entry in virtual_packages_of(made)}

    assert known["__cuda"] == "13.0"
    assert known["__cuda_arch"] == "7.5"
    assert known["__glibc"] == "2.35"
    assert overrides_of(made)["CONDA_OVERRIDE_CUDA"] == "13.0"


def test_a_cpu_plan_has_no_cuda_and_says_so_to_conda():
    made = plans.plan(plans.TORCH_CPU)

    assert "__cuda" not in {entry.name for entry in virtual_packages_of(made)}
    assert overrides_of(made)["CONDA_OVERRIDE_CUDA"] == ""
