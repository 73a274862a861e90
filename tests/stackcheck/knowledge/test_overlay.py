from __future__ import annotations

import pytest

from stackcheck.errors import InputError
from stackcheck.knowledge.knowledge import Knowledge, load
from stackcheck.knowledge.source import find_sources
from stackcheck.model.version import Version
from tests.stackcheck.knowledge.writing import HEAD, write_framework, write_nvidia


def keys(knowledge):
    return [(str(row.version), row.build, row.platform) for row in knowledge.builds("demo")]


def over(base, overlay):
    return Knowledge(find_sources(overlay, base=base))


def test_a_row_of_the_same_key_replaces_the_shipped_one(tmp_path):
    write_framework(tmp_path / "base")
    before = Knowledge(find_sources(base=tmp_path / "base"))
    write_framework(
        tmp_path / "own",
        "releases:\n- version: 2.9\n  builds:\n"
        "  - {build: cu126, channel: pypi, platform: linux-x86_64, cuda: 12.6, architectures: sm_70, evidence: [paper]}\n",
    )
    after = over(tmp_path / "base", tmp_path / "own")
    assert keys(after) == keys(before)
    assert before.builds("demo")[-1].architectures is None
    assert [str(item) for item in after.builds("demo")[-1].architectures] == ["sm_70"]


def test_rows_of_other_keys_are_added_and_sorted(tmp_path):
    write_framework(tmp_path / "base")
    write_framework(
        tmp_path / "own",
        "releases:\n- version: 3.0\n  builds:\n"
        "  - {build: cpu, channel: pypi, platform: linux-x86_64, evidence: [paper]}\n",
    )
    assert keys(over(tmp_path / "base", tmp_path / "own"))[0] == ("3.0", "cpu", "linux-x86_64")


def test_a_withdrawn_row_is_gone(tmp_path):
    write_framework(tmp_path / "base")
    write_framework(
        tmp_path / "own",
        "releases:\n- version: 2.9\n  builds:\n"
        "  - {build: cu126, channel: pypi, platform: linux-x86_64, withdrawn: true}\n",
    )
    assert "2.9" not in {
        version for version, _, _ in keys(over(tmp_path / "base", tmp_path / "own"))
    }


def test_nvidias_rows_are_replaced_by_their_names(tmp_path):
    base = "gpus:\n  - {name: Demo 1, capability: 8.0, kind: geforce}\n  - {name: Demo 2, capability: 8.0, kind: geforce}\n"
    write_nvidia(tmp_path / "base", base)
    write_nvidia(tmp_path / "own", "gpus:\n  - {name: Demo 2, capability: 9.0, kind: titan}\n")
    found = over(tmp_path / "base", tmp_path / "own").gpus
    assert {row.name: (str(row.capability), row.kind) for row in found} == {
        "Demo 1": ("8.0", "geforce"),
        "Demo 2": ("9.0", "titan"),
    }


def test_rows_of_the_users_own_folder_count_too(tmp_path, monkeypatch):
    write_framework(tmp_path / "matrices")
    monkeypatch.setenv("STACKCHECK_CONFIG_DIR", str(tmp_path))
    load.cache_clear()
    try:
        knowledge = load()
        assert "demo" in knowledge.frameworks
        assert knowledge.builds("demo")[0].version == Version("2.10")
        assert knowledge.builds("pytorch")
    finally:
        load.cache_clear()


def test_a_newer_schema_is_refused_with_what_to_do(tmp_path):
    path = write_framework(tmp_path / "own")
    path.write_text(path.read_text().replace("framework/1", "framework/2"))
    with pytest.raises(InputError, match="Upgrade stackcheck"):
        over(tmp_path / "own", tmp_path / "own").builds("demo")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("framework: demo", "framework: ../../demo", "is not a name"),
        ("as_of: 2026-01-02", "as_of: 2026", "is not a day"),
        ("as_of: 2026-01-02", "as_of: [2026]", "`as_of:` is missing"),
        ("distribution: demo\n", "\n", "`distribution:` is missing"),
    ],
)
def test_a_head_that_names_nothing_is_refused_before_its_rows_are_read(tmp_path, old, new, message):
    write_framework(tmp_path, head=HEAD.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        _ = Knowledge(find_sources(base=tmp_path)).as_of
