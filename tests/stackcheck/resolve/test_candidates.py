from __future__ import annotations

from dataclasses import replace

import pytest

from stackcheck.knowledge.knowledge import load
from stackcheck.model.fact import Known
from stackcheck.model.machine import unstated_machine
from stackcheck.resolve.candidates import select_builds
from stackcheck.resolve.requirements import merge_requirements, parse_requirement
from stackcheck.resolve.wishes import Wishes


def select(text, *, machine=None, with_extras=False, need_gpu=True):
    return select_builds(
        parse_requirement(text, load()),
        machine or unstated_machine(),
        load(),
        Wishes(),
        need_gpu=need_gpu,
        with_extras=with_extras,
    )


def labels(found):
    return [build.build for build in found.builds]


def test_a_plain_release_is_what_its_channel_gives_without_extras():
    assert labels(select("tensorflow==2.16.1")) == ["cu123"]
    assert labels(select("tensorflow+cu12==2.16.1")) == ["cu123"]


def test_an_extra_names_the_build_that_it_installs():
    assert labels(select("tensorflow[and-cuda]==2.16.1")) == ["cu123-pip"]
    assert labels(select("jax[cuda12_local]==0.5.0")) == ["cuda12-local"]
    assert labels(select("jax[cuda12]==0.9.0")) == ["cuda12"]


def test_whoever_is_yet_to_install_it_may_take_the_extra_as_well():
    assert set(labels(select("tensorflow==2.16.1", with_extras=True))) == {"cu123", "cu123-pip"}


def test_a_cpu_default_gives_way_to_gpu_builds_where_there_is_a_gpu():
    assert "cpu" not in labels(select("jax==0.9.0"))
    assert labels(select("jax==0.9.0", need_gpu=False)) == ["cpu"]


def test_a_distribution_of_its_own_means_its_own_build():
    assert labels(select("cupy-cuda12x==13.6.0")) == ["cuda12x"]
    assert labels(select("mxnet-cu112==1.9.1")) == ["cu112"]


def test_a_distribution_that_ended_was_not_built_for_a_later_release():
    violation = select("tensorflow-gpu==2.12.0").violation
    assert violation is not None
    assert "tensorflow-gpu==2.12.0 was never built" in violation.title
    assert select("tensorflow-gpu==2.10.1").builds


@pytest.mark.parametrize(
    ("text", "build"),
    [("paddlepaddle-gpu==2.2.0.post112", "cu112"), ("paddlepaddle-gpu==1.8.5.post97", "cu90")],
)
def test_a_post_release_that_names_a_cuda_is_that_build(text, build):
    assert labels(select(text)) == [build]


def test_a_cpu_build_from_elsewhere_has_no_gpu_code_either():
    arm = replace(
        unstated_machine().host, platform=Known("linux", "test"), arch=Known("aarch64", "test")
    )
    violation = select("mxnet+cpu==1.4.0", machine=replace(unstated_machine(), host=arm)).violation
    assert violation is not None
    assert violation.reason == "cpu-only-build-installed"


def test_a_framework_without_cpu_builds_never_had_one():
    violation = select("cupy+cpu==14.2.0").violation
    assert violation is not None
    assert violation.reason == "other"
    assert "source" in violation.title


def test_two_distributions_of_one_framework_stay_two():
    requirements = [parse_requirement(text, load()) for text in ("cupy-cuda12x", "cupy-cuda13x")]
    first, second = merge_requirements(requirements)
    assert first.is_framework
    assert (second.name, second.is_framework) == ("cupy-cuda13x", False)


def test_one_distribution_under_two_names_is_one_requirement():
    requirements = [parse_requirement(text, load()) for text in ("torch>=2.4", "pytorch+cu126")]
    (merged,) = merge_requirements(requirements)
    assert (merged.specifier, merged.build) == (">=2.4", "cu126")


def test_takes_the_post_release_where_a_build_was_published_only_as_that() -> None:
    found = select("mxnet-cu112==1.8.0")
    assert [str(build.version) for build in found.builds] == ["1.8.0.post0"]
    assert any("1.8.0.post0" in note for note in found.assumed)
