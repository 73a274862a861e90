from __future__ import annotations

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.folding import fold
from stackcheck.diagnose.runner import diagnose
from stackcheck.model.finding import Finding
from tests.stackcheck.sketch import changed, healthy, situation


def finding(code, severity="error", title=""):
    return Finding(code, "other", severity, "layer", title or f"title of {code}")


def test_a_consequence_goes_under_its_cause():
    folded = fold([finding("DR-11"), finding("KM-05")], {"DR-11": ("KM-05",)})
    assert [root.code for root in folded] == ["KM-05"]
    assert folded[0].consequences == ("DR-11: title of DR-11",)


def test_a_chain_ends_at_its_root():
    follows = {"DR-11": ("KM-05",), "KM-05": ("KM-14",)}
    folded = fold([finding("DR-11"), finding("KM-05"), finding("KM-14", "warning")], follows)
    assert [root.code for root in folded] == ["KM-14"]
    assert len(folded[0].consequences) == 2


def test_a_cause_is_as_grave_as_what_follows_from_it():
    folded = fold([finding("KM-05"), finding("KM-14", "warning")], {"KM-05": ("KM-14",)})
    assert folded[0].severity == "error"


def test_a_cause_that_was_not_found_explains_nothing():
    folded = fold([finding("DR-11")], {"DR-11": ("KM-05",)})
    assert [root.code for root in folded] == ["DR-11"]


def test_the_gravest_stand_first_and_then_the_lowest_layer():
    found = [
        finding("PY-01"),
        finding("HW-09", "info"),
        finding("TK-02", "warning"),
        finding("KM-05"),
    ]
    assert [root.code for root in fold(found, {})] == ["KM-05", "PY-01", "TK-02", "HW-09"]


def test_rules_that_blame_each_other_end_with_one_of_them_on_top():
    folded = fold([finding("KM-05"), finding("DR-11")], {"KM-05": ("DR-11",), "DR-11": ("KM-05",)})
    assert [root.code for root in folded] == ["KM-05"]
    assert folded[0].consequences == ("DR-11: title of DR-11",)


def test_several_findings_of_one_rule_stay_apart():
    found = [finding("DR-04", title="torch"), finding("DR-04", title="jax")]
    assert {root.title for root in fold(found, {})} == {"torch", "jax"}


def test_a_real_mismatch_has_one_root_cause():
    machine = changed(healthy(), driver__module__version="575.57.08", driver__nvml_code=18)
    diagnosis = diagnose(situation(machine), own_rules())
    assert [root.code for root in diagnosis.findings] == ["KM-05"]
    assert diagnosis.findings[0].consequences[0].startswith("DR-11: libcuda is 580.95.05")
