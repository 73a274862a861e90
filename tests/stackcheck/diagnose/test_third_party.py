from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from stackcheck.diagnose.third_party import load_third_party_rules


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Install a distribution that offers rules, as pip would leave it."""

    def install(name, code, entry="RULES"):
        (tmp_path / f"{name}.py").write_text(dedent(code))
        information = tmp_path / f"{name}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        (information / "entry_points.txt").write_text(
            f"[stackcheck.rules]\n{name} = {name}:{entry}\n"
        )

    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield install
    for name in set(sys.modules) - before:
        del sys.modules[name]


RULE = """
    from stackcheck.rules.rule import MachineRule
    RULES = [MachineRule(code={code!r}, reason="other", layer="site", title="t", explanation="e", source="s",
                         judge=lambda situation: None)]
"""


def test_offered_rules_are_loaded(offer):
    offer("sitehouse", RULE.format(code="SITE-01"))
    rules, failed = load_third_party_rules({"KM-05"})
    assert [rule.code for rule in rules] == ["SITE-01"]
    assert failed == ()


def test_one_rule_alone_may_be_offered(offer):
    offer("sitesingle", RULE.format(code="SITE-02") + "    ONE = RULES[0]\n", entry="ONE")
    rules, _ = load_third_party_rules(())
    assert [rule.code for rule in rules] == ["SITE-02"]


def test_a_plugin_that_cannot_be_imported_is_reported(offer):
    offer("sitebroken", "import a_module_that_is_nowhere")
    rules, (failure,) = load_third_party_rules(())
    assert rules == ()
    assert failure.outcome == "crashed"
    assert failure.code == "sitebroken"
    assert "a_module_that_is_nowhere" in failure.note


def test_a_plugin_that_offers_no_rule_is_reported(offer):
    offer("siteodd", "RULES = ['KM-05']")
    _, (failure,) = load_third_party_rules(())
    assert "is no rule" in failure.note


def test_a_plugin_may_not_replace_a_rule_of_ours(offer):
    offer("sitethief", RULE.format(code="KM-05"))
    rules, (failure,) = load_third_party_rules({"KM-05"})
    assert rules == ()
    assert "KM-05 is taken" in failure.note
