from __future__ import annotations

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.runner import diagnose, run_rule
from stackcheck.errors import InputError
from stackcheck.rules.kernel.km05_library_mismatch import RULE as LIBRARY_MISMATCH
from stackcheck.rules.rule import BuildRule, MachineRule
from stackcheck.rules.scope import NotApplicable
from tests.stackcheck.sketch import (
    UNKNOWN,
    changed,
    healthy,
    situation,
    with_builds,
    with_gpu,
    without_gpu,
)

MISMATCH = changed(healthy(), driver__module__version="575.57.08", driver__nvml_code=18)


def rule(judge, code="KM-99", **changes):
    return MachineRule(
        **{
            "code": code,
            "reason": "other",
            "layer": "kernel",
            "title": f"rule {code}",
            "explanation": "a rule of the tests",
            "source": "tests",
            "judge": judge,
            **changes,
        }
    )


def outcome(judge):
    return run_rule(rule(judge), situation(healthy()))[1]


def test_no_finding_is_a_pass():
    assert outcome(lambda _: None).outcome == "pass"


def test_a_fact_that_nobody_could_get_is_named():
    check = outcome(lambda _: UNKNOWN.get())
    assert check.outcome == "unknown"
    assert check.lacks == (UNKNOWN,)
    assert "nobody could tell" in check.note


def test_what_does_not_apply_is_skipped_with_the_reason():
    def judge(_):
        raise NotApplicable("about another planet")

    check = outcome(judge)
    assert (check.outcome, check.note) == ("skipped", "about another planet")


def test_a_crash_is_an_outcome_of_its_own_and_the_others_still_run():
    crashing = rule(lambda _: {}["x"])
    diagnosis = diagnose(situation(MISMATCH), (crashing, LIBRARY_MISMATCH))
    crashed, found = diagnosis.checks
    assert crashed.outcome == "crashed"
    assert "KeyError" in crashed.note
    assert "KeyError" in crashed.traceback
    assert found.outcome == "finding"


def test_a_rule_over_builds_judges_each_of_them():
    seen = []
    over_builds = BuildRule(
        code="PY-99",
        reason="other",
        layer="python",
        title="a rule over builds",
        explanation="of the tests",
        source="tests",
        judge=lambda build, _: seen.append(build.label),
    )
    machine = with_builds(healthy(), "torch==2.9.0+cu128", "tensorflow==2.20.0+cu125")
    _, check = run_rule(over_builds, situation(machine))
    assert seen == ["pytorch 2.9.0+cu128", "tensorflow 2.20.0+cu125"]
    assert check.outcome == "pass"


def test_a_rule_over_builds_without_builds_is_skipped():
    over_builds = next(each for each in own_rules() if isinstance(each, BuildRule))
    assert run_rule(over_builds, situation(healthy()))[1].outcome == "skipped"


def test_what_would_have_explained_a_finding_is_listed_as_ruled_out():
    diagnosis = diagnose(situation(MISMATCH), own_rules())
    assert "KM-14: two driver installations" in diagnosis.findings[0].ruled_out


def test_the_target_is_the_environments_prefix():
    assert diagnose(situation(healthy()), own_rules()).target == "/env"


def test_an_unknown_fact_is_never_a_pass():
    machine = with_gpu(healthy(), ecc__uncorrected=UNKNOWN)
    checks = {check.code: check for check in diagnose(situation(machine), own_rules()).checks}
    assert checks["HW-04"].outcome == "unknown"


def test_without_a_gpu_the_status_is_ok_and_with_require_gpu_an_error():
    machine = without_gpu()
    assert diagnose(situation(machine), own_rules()).status == "ok"
    required = diagnose(situation(machine), own_rules(), require_gpu=True)
    assert required.status == "error"
    assert required.findings[0].code == "HW-01"


def test_only_takes_codes_and_layers_by_their_start():
    def codes(**selection):
        return {
            check.code for check in diagnose(situation(healthy()), own_rules(), **selection).checks
        }

    assert codes(only=["km-05"]) == {"KM-05"}
    assert all(code.startswith("KM") for code in codes(only=["kernel"]))
    assert not {code for code in codes(skip=["hardware"]) if code.startswith("HW")}
    assert codes(only=["HW", "KM-05"]) >= {"HW-01", "KM-05"}


def test_a_selection_that_matches_nothing_is_wrong_usage():
    with pytest.raises(InputError, match=r"--only NOPE") as raised:
        diagnose(situation(healthy()), own_rules(), only=["NOPE"], skip=["ZZ"])
    assert len(raised.value.faults) == 2


def test_a_selection_that_leaves_nothing_is_wrong_usage():
    with pytest.raises(InputError, match="leave no rule"):
        diagnose(situation(healthy()), own_rules(), only=["KM"], skip=["KM"])


def test_the_order_of_the_gpus_changes_nothing():
    machine = healthy(4)
    backwards = changed(machine, gpus=machine.gpus.get()[::-1])
    assert diagnose(situation(backwards), own_rules()).findings == ()
