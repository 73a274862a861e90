"""What must hold for every machine and request."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcheck.knowledge.knowledge import load
from stackcheck.model.specifier import admits
from stackcheck.model.version import Version
from stackcheck.resolve.check import judge_installed, situations_of
from stackcheck.resolve.pool import cuda_major_of
from stackcheck.resolve.requirements import parse_requirements
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import Wishes
from stackcheck.rules.python.py16_python_version import supports_python

KNOWLEDGE = load()
NAMES = sorted(product.name for product in KNOWLEDGE.gpus if product.kind != "jetson")
DRIVERS = [
    "418.87",
    "450.80.02",
    "470.182.03",
    "525.60.13",
    "535.183.01",
    "550.54.14",
    "570.133.07",
    "580.95.05",
    "590.48.01",
    "615.71.09",
]
SYSTEMS = ["Ubuntu 18.04", "Ubuntu 22.04", "CentOS 7", "Windows 11", "Debian 13", None]
SPECS = [
    ["pytorch"],
    ["pytorch>=2.4"],
    ["pytorch==2.7.*"],
    ["pytorch<2"],
    ["pytorch+cu126"],
    ["tensorflow"],
    ["tensorflow[and-cuda]>=2.15"],
    ["tensorflow==2.10.*"],
    ["tensorflow<2"],
    ["jax"],
    ["jax[cuda12]"],
    ["jax==0.4.*"],
    ["cupy"],
    ["cupy-cuda12x"],
    ["paddlepaddle-gpu"],
    ["paddlepaddle<2.6"],
    ["mxnet"],
    ["mxnet-cu112"],
    ["keras[jax]"],
    ["keras", "tensorflow"],
    ["pytorch", "jax"],
    ["pytorch", "tensorflow"],
    ["pytorch", "tensorflow", "jax"],
    ["tensorflow", "cupy"],
    ["keras", "pytorch", "tensorflow"],
]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

machines = st.builds(
    lambda gpus, driver, os: Statement(gpu=gpus, driver=driver, os=os),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    st.sampled_from(DRIVERS),
    st.sampled_from(SYSTEMS),
)


def answer_for(specs, statement):
    machine = state_machine(statement, KNOWLEDGE)
    return machine, resolve(
        parse_requirements(specs, KNOWLEDGE), [machine], KNOWLEDGE, Wishes(), advise=False
    )


@QUICK
@given(st.sampled_from(SPECS), machines)
def test_a_plan_never_violates_a_rule_of_check(specs, statement):
    machine, answer = answer_for(specs, statement)
    if answer.plan is None:
        return
    situation = replace(
        situations_of([machine], KNOWLEDGE, Wishes(python=Version(answer.plan.python)), {})[0],
        builds=answer.plan.builds,
    )
    verdict = judge_installed([situation])
    expected = "works" if answer.status == "ok" else "unknown"
    assert verdict.verdict == expected, [finding.title for finding in verdict.violations]


@QUICK
@given(st.sampled_from(SPECS), machines)
def test_the_builds_of_a_plan_agree_about_cuda_and_have_wheels_for_its_python(specs, statement):
    _, answer = answer_for(specs, statement)
    if answer.plan is None:
        return
    majors = {cuda_major_of(build) for build in answer.plan.builds if build.is_gpu} - {None}
    assert len(majors) <= 1
    for build in answer.plan.builds:
        assert supports_python(build, Version(answer.plan.python))
        for name, specifier in build.requires.items():
            if held := answer.plan.packages.get(name, "").removeprefix("=="):
                assert not held[0].isdigit() or admits(specifier, Version(held))


@QUICK
@given(st.sampled_from(SPECS), machines, st.sampled_from(NAMES))
def test_adding_a_gpu_never_makes_an_impossible_request_possible(specs, statement, another):
    _, before = answer_for(specs, statement)
    if before.status == "impossible":
        _, after = answer_for(specs, replace(statement, gpu=[*statement.gpu, another]))
        assert after.status == "impossible"


@QUICK
@given(st.sampled_from(SPECS), machines, st.sampled_from(DRIVERS))
def test_a_newer_driver_loses_a_build_only_by_dropping_a_gpu_and_says_so(specs, statement, newer):
    if DRIVERS.index(newer) < DRIVERS.index(statement.driver):
        return
    _, before = answer_for(specs, statement)
    _, after = answer_for(specs, replace(statement, driver=newer))
    if before.plan is not None and after.plan is None:
        assert any(rejection.code == "KM-08" for rejection in after.rejected)
    elif before.plan is not None and after.plan is not None:
        assert after.plan.builds[0].version >= before.plan.builds[0].version
