from __future__ import annotations

import pytest

from stackcheck.errors import InputError
from stackcheck.knowledge.knowledge import load
from stackcheck.model.specifier import admits
from stackcheck.model.version import Version
from stackcheck.resolve.narration import Narrator
from stackcheck.resolve.requirements import parse_requirements
from stackcheck.resolve.resolver import resolve
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import read_wishes

KNOWLEDGE = load()


def plan_for(
    *specs,
    python=None,
    cuda=None,
    channel=None,
    prefer="newest",
    exclude_newer=None,
    others=(),
    **stated,
):
    machines = [
        state_machine(Statement(**stated), KNOWLEDGE),
        *(state_machine(each, KNOWLEDGE) for each in others),
    ]
    wishes = read_wishes(python, cuda, channel, prefer, exclude_newer)
    return resolve(parse_requirements(specs, KNOWLEDGE), machines, KNOWLEDGE, wishes)


def test_the_newest_release_that_the_driver_runs():
    answer = plan_for(
        "pytorch", gpu=["H100"], driver="570.133.07", os="Ubuntu 22.04", python="3.11"
    )
    assert answer.status == "ok"
    (build,) = answer.plan.builds
    assert build.cuda.major == 12
    assert answer.plan.python == "3.11"
    assert answer.rejected[0].code == "DR-01"


def test_says_what_a_newer_driver_would_unlock():
    answer = plan_for("pytorch", gpu=["H100"], driver="570.133.07", os="Ubuntu 22.04")
    changes = {unlock.change: unlock.gains for unlock in answer.unlocks}
    assert any("580.65.06" in change for change in changes)
    assert all(gains for gains in changes.values())


def test_a_newer_driver_that_drops_the_gpu_unlocks_nothing():
    answer = plan_for("pytorch", gpu=["GeForce GTX 1080 Ti"], driver="580.95.05", os="Ubuntu 24.04")
    assert answer.plan.builds[0].cuda.major == 12
    assert not any("590" in unlock.change for unlock in answer.unlocks)


def test_a_mixed_machine_gets_a_build_with_code_for_all():
    answer = plan_for("pytorch", gpu=["Tesla V100", "B200"], driver="580.95.05")
    (build,) = answer.plan.builds
    codes = {str(code) for code in build.architectures}
    assert "sm_70" in codes
    assert "sm_100" in codes


def test_one_plan_for_several_machines():
    other = Statement(gpu=["H100"], driver="550.54.14", os="Ubuntu 22.04")
    answer = plan_for(
        "pytorch", gpu=["H100"], driver="580.95.05", os="Ubuntu 22.04", others=[other]
    )
    assert answer.plan.builds[0].cuda.major == 12


def test_an_impossible_request_names_causes_and_what_would_change_it():
    answer = plan_for("pytorch>=2.9", gpu=["Tesla K80"], driver="470.182.03")
    assert answer.status == "impossible"
    assert answer.rejected
    assert any("Kepler" in cause for cause in answer.causes)
    assert any("any release" in unlock.change for unlock in answer.unlocks)


def test_a_cpu_machine_gets_the_cpu_build():
    answer = plan_for("pytorch", no_gpu=True, os="Ubuntu 24.04")
    assert answer.plan.builds[0].build == "cpu"
    assert answer.plan.cuda is None


def test_wishes_narrow():
    assert plan_for("pytorch", cuda="12.6", gpu=["A100"]).plan.builds[0].build == "cu126"
    assert (
        plan_for("pytorch", channel="conda-forge", gpu=["A100"]).plan.builds[0].channel
        == "conda-forge"
    )
    old = plan_for("pytorch", exclude_newer="2023-06-01", gpu=["A100"])
    assert old.plan.builds[0].version <= Version("2.0.1")


def test_stable_prefers_settled_releases():
    newest = plan_for("pytorch", gpu=["H100"], driver="580.95.05").plan.builds[0]
    settled = plan_for("pytorch", gpu=["H100"], driver="580.95.05", prefer="stable").plan.builds[0]
    assert settled.version < newest.version


def test_satellites_are_pinned_to_their_framework():
    answer = plan_for("pytorch==2.9.0", "torchvision", gpu=["A100"])
    assert answer.plan.packages["torchvision"] == "==0.24.0"


def test_numpy_caps_are_held():
    assert plan_for("pytorch==2.0.1", gpu=["A100"]).plan.packages["numpy"] == "<2"
    assert plan_for("pytorch==2.0.1", "numpy>=2", gpu=["A100"]).status == "impossible"


def test_a_request_without_framework_is_refused():
    with pytest.raises(InputError, match="at least one framework"):
        plan_for("numpy")


def test_a_release_past_the_knowledge_is_unknown():
    assert plan_for("pytorch==97.1").status == "unknown"


def test_the_search_can_be_told():
    lines: list[str] = []
    machine = state_machine(Statement(gpu=["A100"]), KNOWLEDGE)
    wishes = read_wishes(None, None, None, "newest", None)
    resolve(
        parse_requirements(["pytorch"], KNOWLEDGE),
        [machine],
        KNOWLEDGE,
        wishes,
        reporter=Narrator(lines.append),
    )
    assert any(line.strip().startswith("take pytorch") for line in lines)


def test_an_extension_that_names_no_release_is_chosen_with_a_framework_that_it_fits():
    answer = plan_for("pytorch", "vllm", gpu=["H100"], driver="580.95.05")
    vllm = answer.plan.packages["vllm"].removeprefix("==")
    row = next(each for each in KNOWLEDGE.extension("vllm") if str(each.version) == vllm)
    assert admits(row.requires["torch"], answer.plan.builds[0].version)


def test_an_extension_that_wants_a_newer_gpu_is_not_pinned_to_a_release_that_fails():
    answer = plan_for("pytorch", "flash-attn", gpu=["V100"], driver="580.95.05")
    assert not answer.plan.packages["flash-attn"]


def test_a_backend_of_keras_is_planned_with_it_and_held_to_the_driver():
    answer = plan_for("keras[jax]", gpu=["H100"], driver="550.90.07")
    assert [build.framework for build in answer.plan.builds] == ["keras", "jax"]
    assert answer.plan.builds[1].cuda.major == 12


def test_an_old_release_of_pure_python_gets_a_python_of_its_day():
    answer = plan_for("keras==2.4.3", gpu=["T4"], driver="450.80.02")
    assert answer.plan.python == "3.8"
