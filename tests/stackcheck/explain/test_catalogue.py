"""What the shipped messages must be, and how damaged ones are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackcheck.diagnose.examination import own_rules
from stackcheck.diagnose.explain.entry import Catalogue, MessagesError
from stackcheck.rules.reference import UNSEEN
from tests.stackcheck.explain.test_symptoms import SLUGS

FROM_NUMBERS = {
    *("gpu_newer", "gpu_older", "gpu_recent", "gpu_aged"),
    *("driver_below_major", "driver_below_minor", "driver_suffices", "driver_dropped_gpu"),
}
TOLD_BY_THE_RULE = {"PY-22", "PY-23", "PY-24", "RS-08"}
"""Findings of `doctor --deep` and `--expect`, which no message of a program tells of."""


def test_every_rule_has_an_entry(catalogue):
    codes = {rule.code for rule in (*own_rules(), *UNSEEN)}
    assert codes - set(catalogue.entries) <= TOLD_BY_THE_RULE


def test_an_entry_has_the_slug_of_its_rule(catalogue):
    for rule in (*own_rules(), *UNSEEN):
        entry = catalogue.entries.get(rule.code)
        if entry:
            assert (rule.code, entry.reason) == (rule.code, rule.reason)


def test_entries_are_complete(catalogue):
    for code, entry in catalogue.entries.items():
        assert re.fullmatch(r"[A-Z]{2}-\d\d", code)
        assert entry.reason in SLUGS, code
        assert entry.title, code
        assert not entry.title.endswith("."), code
        assert entry.confirm, code
        assert entry.fix, code
        assert entry.source, code


def test_what_looks_like_a_failure_and_is_none_has_the_slug_none(catalogue):
    for entry in catalogue.entries.values():
        assert entry.benign == (entry.reason == "none"), entry.code


def test_every_name_that_a_message_uses_exists(catalogue):
    names = {*catalogue.circumstances, *FROM_NUMBERS}
    for entry in catalogue.entries.values():
        used = {*entry.context, *entry.inferred}
        for message in entry.messages:
            used |= {*message.context, *message.needs}
        unknown = {name for name in used - names if not re.fullmatch(r"cuda_error_\d+", name)}
        assert not unknown, entry.code
        assert set(entry.follows) <= set(catalogue.entries), entry.code
        assert entry.code not in entry.follows


def test_every_template_compiles_and_can_be_ruled_out_cheaply(catalogue):
    templates = [
        (entry.code, part)
        for entry in catalogue.entries.values()
        for message in entry.messages
        for part in (*message.parts, *message.unless)
    ]
    templates += [(name, part) for name, parts in catalogue.circumstances.items() for part in parts]
    for code, template in templates:
        template.check()
        assert all(len(anchor) >= 2 for anchor in template.anchors), (code, template.written)
        assert template.search("") is None


def test_weights_are_on_their_scale(catalogue):
    for entry in catalogue.entries.values():
        assert all(0 <= message.weight <= 10 for message in entry.messages), entry.code


def test_generations_are_capabilities_times_ten(catalogue):
    for pattern, capability in catalogue.generations:
        re.compile(pattern)
        assert 20 <= capability <= 130


ENTRY = "  ZZ-01: {reason: other, title: t, confirm: c, fix: f, source: s, messages: [{match: no gpu, weight: 7}]}\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKCHECK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def write(folder: Path, name: str, body: str, schema: str = "stackcheck.messages/1") -> None:
    (folder / name).write_text(f"schema: {schema}\nentries:\n{body}", encoding="utf-8")


def test_a_folder_of_files_is_read(tmp_path):
    write(tmp_path, "a.yaml", ENTRY)
    (tmp_path / "README.md").write_text("no messages", encoding="utf-8")
    entry = Catalogue(tmp_path).entries["ZZ-01"]
    assert (entry.reason, entry.layer, entry.messages[0].weight) == ("other", "ZZ", 7.0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("  ZZ-01: {title: t}\n", "ZZ-01: KeyError('reason')"),
        ("  ZZ-01: [1]\n", "ZZ-01: TypeError"),
        ("  ZZ-01: {\n", "a.yaml"),
        (ENTRY.replace("weight: 7", "weight: heavy"), "ZZ-01: ValueError"),
    ],
)
def test_damage_is_named_with_its_file(tmp_path, body, said):
    write(tmp_path, "a.yaml", body)
    with pytest.raises(MessagesError, match=r"messages/a\.yaml") as caught:
        _ = Catalogue(tmp_path).entries
    assert said in str(caught.value)


def test_another_schema_is_refused(tmp_path):
    write(tmp_path, "a.yaml", ENTRY, schema="stackcheck.messages/2")
    with pytest.raises(MessagesError, match="schema"):
        _ = Catalogue(tmp_path).entries


def test_a_code_that_is_there_twice_is_refused(tmp_path):
    write(tmp_path, "a.yaml", ENTRY)
    write(tmp_path, "b.yaml", ENTRY)
    with pytest.raises(MessagesError, match="ZZ-01 is there twice"):
        _ = Catalogue(tmp_path).entries


def test_a_changed_file_is_read_anew(tmp_path):
    write(tmp_path, "a.yaml", ENTRY)
    assert Catalogue(tmp_path).entries["ZZ-01"].title == "t"
    write(tmp_path, "a.yaml", ENTRY.replace("title: t", "title: another"))
    assert Catalogue(tmp_path).entries["ZZ-01"].title == "another"


def test_what_was_compiled_equals_what_was_read(tmp_path):
    write(tmp_path, "a.yaml", ENTRY)
    first, second = Catalogue(tmp_path).entries["ZZ-01"], Catalogue(tmp_path).entries["ZZ-01"]
    assert (first.fix, first.messages[0].parts[0].written) == (
        second.fix,
        second.messages[0].parts[0].written,
    )
