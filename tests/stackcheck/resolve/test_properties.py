"""What must hold for every machine and request."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcheck.knowledge.knowledge import load
from stackcheck.resolve.check import check
from stackcheck.resolve.requirements import parse_requirement, parse_requirements
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import Wishes

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
    "pytorch",
    "pytorch>=2.4",
    "pytorch==2.7.*",
    "pytorch<2",
    "pytorch+cu126",
    "pytorch==1.13.1",
]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

machines = st.builds(
    lambda gpus, driver, os: Statement(gpu=gpus, driver=driver, os=os),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    st.sampled_from(DRIVERS),
    st.sampled_from(SYSTEMS),
)


def answer_for(spec, statement):
    machine = state_machine(statement, KNOWLEDGE)
    return machine, resolve(
        parse_requirements([spec], KNOWLEDGE), [machine], KNOWLEDGE, Wishes(), advise=False
    )


@QUICK
@given(st.sampled_from(SPECS), machines)
def test_a_plan_never_violates_a_rule_of_check(spec, statement):
    machine, answer = answer_for(spec, statement)
    if answer.plan is None:
        return
    pins = [
        parse_requirement(f"{build.framework}+{build.build}=={build.version}", KNOWLEDGE)
        for build in answer.plan.builds
    ]
    wishes = Wishes(python=parse_python(answer.plan.python), channel=answer.plan.builds[0].channel)
    verdict = check(pins, [machine], KNOWLEDGE, wishes)
    expected = "works" if answer.status == "ok" else "unknown"
    assert verdict.verdict == expected, [finding.title for finding in verdict.violations]


@QUICK
@given(st.sampled_from(SPECS), machines, st.sampled_from(NAMES))
def test_adding_a_gpu_never_makes_an_impossible_request_possible(spec, statement, another):
    _, before = answer_for(spec, statement)
    if before.status == "impossible":
        _, after = answer_for(spec, replace(statement, gpu=[*statement.gpu, another]))
        assert after.status == "impossible"


@QUICK
@given(st.sampled_from(SPECS), machines, st.sampled_from(DRIVERS))
def test_a_newer_driver_loses_a_build_only_by_dropping_a_gpu_and_says_so(spec, statement, newer):
    if DRIVERS.index(newer) < DRIVERS.index(statement.driver):
        return
    _, before = answer_for(spec, statement)
    _, after = answer_for(spec, replace(statement, driver=newer))
    if before.plan is not None and after.plan is None:
        assert any(rejection.code == "KM-08" for rejection in after.rejected)
    elif before.plan is not None and after.plan is not None:
        assert after.plan.builds[0].version >= before.plan.builds[0].version


def parse_python(text):
    from stackcheck.model.version import Version

    return Version(text)
