"""Whatever facts a machine has, no rule crashes, and what nobody knows is never a pass."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose
from stackcheck.model.environment import Toolkit
from stackcheck.model.fact import Absent, Known, Unknown
from stackcheck.model.small_facts import FILES, LIMITS
from stackcheck.model.version import DriverVersion, Version
from stackcheck.render.html import render_html
from stackcheck.render.junit import render_junit
from stackcheck.render.markdown import render_markdown
from stackcheck.render.text import render_text
from tests.stackcheck.sketch import (
    ABSENT,
    UNKNOWN,
    changed,
    healthy,
    in_container,
    jetson,
    known,
    situation,
    with_builds,
    with_distributions,
    with_files,
    with_libraries,
    with_limits,
    with_variables,
    without_gpu,
    wsl,
)

RULES = own_rules()
RICH = with_variables(
    with_files(
        with_limits(
            with_libraries(
                with_distributions(
                    changed(
                        healthy(2),
                        toolkits=(Toolkit("/usr/local/cuda", known(Version("12.4")), "PATH"),),
                    ),
                    *("jax==0.7.1", "jaxlib==0.7.1", "jax-cuda12-plugin==0.7.1", "keras==3.12.0"),
                    *(
                        "cupy-cuda12x==13.6.0",
                        "ctranslate2==4.6.0",
                        "triton==3.5.0",
                        "torch==2.9.0",
                    ),
                    *("onnxruntime==1.20.0", "pynvml==8.0.4", "nvidia-cudnn-cu12==9.10.2.21"),
                ),
                *("libcudnn.so.9==9.10.2", "libnvrtc.so.12==12.8.93", "libcudnn.so.8==8.9.2"),
            ),
            **dict.fromkeys(LIMITS, 1),
        ),
        dict.fromkeys(FILES, "text"),
    ),
    CUDA_VISIBLE_DEVICES="0",
    CUDA_HOME="/a",
    CUDA_PATH="/b",
    NCCL_SOCKET_IFNAME="eth0",
)
RICH = with_builds(RICH, "torch==2.9.0+cu128", "jax==0.7.1+cuda12", "tensorflow==2.20.0+cu125")
MACHINES = {
    "rich": RICH,
    "rich in a container": in_container(RICH),
    "wsl": wsl(),
    "jetson": jetson(),
    "no GPU": without_gpu(),
}

TEXTS = st.sampled_from(
    ["", " ", "\x00", "-1", "MIG-", "GPU-", "a" * 400, "{", "[]", "null", "2", "é☃"]
)
NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 15, 17, 18, 802, 803, 999, 2**31, 2**63])
VERSIONS = st.sampled_from(["0", "1.1", "13.0", "525.60.13", "99999", "1!2.0a1+local"])


def facts_of(value, path=()):
    """Yield the path of every fact below a value."""
    if isinstance(value, Known | Absent | Unknown):
        yield path
        if isinstance(value, Known):
            yield from facts_of(value.value, (*path, "value"))
    elif is_dataclass(value):
        for entry in fields(value):
            yield from facts_of(getattr(value, entry.name), (*path, entry.name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from facts_of(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from facts_of(item, (*path, key))


def at(value, path):
    for step in path:
        value = (
            getattr(value, step) if isinstance(step, str) and is_dataclass(value) else value[step]
        )
    return value


def put(value, path, new):
    """Return a copy with the fact at a path replaced."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if is_dataclass(value):
        return replace(value, **{step: put(getattr(value, step), rest, new)})
    if isinstance(value, tuple):
        return (*value[:step], put(value[step], rest, new), *value[step + 1 :])
    return {**value, step: put(value[step], rest, new)}


STRANGE = {
    bool: st.booleans(),
    int: NUMBERS,
    str: TEXTS,
    Version: VERSIONS.map(DriverVersion),
    tuple: st.just(()),
}


def strange(value):
    """Return a strategy of values of the same type as a fact's, likely or not."""
    if isinstance(value, dict):
        texts = all(isinstance(item, str) for item in value.values())
        names = st.sampled_from(sorted(value) or ["x"])
        return st.dictionaries(names, TEXTS if texts else NUMBERS, max_size=3)
    fitting = (values for kind, values in STRANGE.items() if isinstance(value, kind))
    return next(fitting, st.just(value))


def check(machine):
    diagnosis = diagnose(situation(machine), RULES)
    crashed = [each for each in diagnosis.checks if each.outcome == "crashed"]
    assert not crashed, crashed[0].traceback
    for render in (render_text, render_html, render_markdown, render_junit):
        assert render(diagnosis)
    return diagnosis


@pytest.mark.parametrize("name", MACHINES)
def test_any_one_fact_may_be_unknown_or_absent(name):
    machine = MACHINES[name]
    for path in facts_of(machine):
        for fact in (UNKNOWN, ABSENT):
            changed_machine = put(machine, path, fact)
            crashed = [
                each
                for each in diagnose(situation(changed_machine), RULES).checks
                if each.outcome == "crashed"
            ]
            assert not crashed, f"{path}: {crashed[0].traceback}"


@pytest.mark.parametrize("name", MACHINES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_strange_values_crash_no_rule(name, data):
    machine = MACHINES[name]
    paths = sorted(facts_of(machine), key=str)
    for path in data.draw(st.lists(st.sampled_from(paths), max_size=6)):
        try:
            fact = at(machine, path)
        except (LookupError, AttributeError):
            continue  # an earlier change took away what it lay in
        other = st.sampled_from([UNKNOWN, ABSENT])
        if isinstance(fact, Known):
            other = st.one_of(other, strange(fact.value).map(known))
        machine = put(machine, path, data.draw(other))
    check(machine)


def test_a_machine_of_which_nothing_is_known_passes_nothing_about_the_driver():
    from stackcheck.model.machine import Machine

    diagnosis = check(Machine())
    assert diagnosis.status == "unknown"
    decided = [
        each.code
        for each in diagnosis.checks
        if each.code.startswith(("HW", "KM", "DV", "DR", "VS"))
        and each.outcome in ("pass", "finding")
    ]
    assert decided == []
