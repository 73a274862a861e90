from __future__ import annotations

import json

from stackcheck.cli.app import run
from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.explain.rule_list import list_rules, word_rules
from stackcheck.rules.layer import LAYERS
from stackcheck.rules.reference import UNSEEN


def test_lists_every_rule_and_every_entry_without_one():
    listed = {each.code: each for each in list_rules()}
    assert {rule.code for rule in own_rules()} | {entry.code for entry in UNSEEN} <= set(listed)
    assert all(listed[entry.code].unseen == entry.why for entry in UNSEEN)
    assert all(each.severity or each.unseen for each in listed.values())


def test_stands_in_the_order_of_the_stack():
    order = [layer.name for layer in LAYERS]
    places = [order.index(each.layer) for each in list_rules() if each.layer in order]
    assert places == sorted(places)


def test_says_of_each_line_how_grave_it_is_or_why_it_cannot_be_seen():
    lines = "\n".join(word_rules(list_rules(), 80))
    assert "DR-01  driver older than the runtime's major allows [error]" in lines
    assert "HW-16" in lines
    assert "cannot be seen" in lines
    assert max(map(len, lines.splitlines())) <= 80


def test_is_what_explain_rules_prints(capsys):
    assert run(["explain", "rules", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["causes"] == []
    assert {"DR-01", "HW-16"} <= {rule["code"] for rule in document["rules"]}
