from __future__ import annotations

import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackcheck.errors import InputError
from stackcheck.knowledge.compilation import compile_source
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.knowledge.source import find_sources, read_tree
from tests.stackcheck.knowledge.writing import HEAD, RELEASES, write_framework, write_nvidia


def only(folder):
    (source,) = find_sources(base=folder)
    return source


def faults_of(folder):
    with pytest.raises(InputError) as caught:
        compile_source(only(folder))
    return list(caught.value.faults)


def test_versions_stay_text_so_that_2_10_is_not_2_1(tmp_path):
    write_framework(tmp_path)
    assert read_tree(only(tmp_path))["releases"][0]["version"] == "2.10"


def test_head_is_read_without_the_releases(tmp_path):
    write_framework(tmp_path, releases="releases:\n  - {this is not even [YAML\n")
    assert read_tree(only(tmp_path), head=True)["framework"] == "demo"


def test_names_of_sources_become_evidence_checked_on_the_files_day(tmp_path):
    write_framework(tmp_path)
    evidence = read_tree(only(tmp_path))["releases"][0]["builds"][0]["evidence"]
    assert evidence == [{"kind": "doc", "source": "the paper", "checked": "2026-01-02"}]


def test_every_fault_comes_with_file_and_line(tmp_path):
    path = write_framework(
        tmp_path,
        RELEASES.replace("12.8", "twelve").replace("sm_80", "sm80").replace("2025-10-01", "lately"),
    )
    faults = faults_of(tmp_path)
    assert len(faults) == 3
    lines = path.read_text().splitlines()
    for fault, text in zip(sorted(faults), ("twelve", "sm80", "lately"), strict=False):
        number = int(fault.split(":")[1])
        assert text in " ".join(lines[number - 1 : number + 1]) or text in fault


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("as_of: 2026-01-02", "as_of: 2026-13-02", "is not a day"),
        ("title: Demo", "title: Demo\ncolour: red", "colour"),
        ("evidence: [paper]", "evidence: [rumour]", "`rumour` is not among the file's sources"),
        ("channel: pypi", "channel: PyPI!", "channel"),
        ("linux-aarch64", "linux-arm", "platform"),
        ("title: Demo", "title: Demo\ntitle: Demo", "`title` stands here twice"),
        ("schema: stackcheck.framework/1", "schema: stackcheck.framework/9", "schema 9"),
        ("schema: stackcheck.framework/1", "schema: nonsense", "schema"),
        ("  - version: 2.9", "  - version: 2.9\n    use: [nothing]", "no set is called `nothing`"),
        ("{companions}", "{compagnons}", "compagnons"),
        ("releases:", "releases: [", "expected"),
    ],
)
def test_refuses_what_it_does_not_know_in_one_line(tmp_path, old, new, message):
    write_framework(tmp_path, RELEASES.replace(old, new), HEAD.replace(old, new))
    faults = faults_of(tmp_path)
    assert any(message in fault for fault in faults)
    assert all(fault.count("\n") == 0 and "demo.yaml" in fault for fault in faults)


def test_refuses_files_that_are_no_text(tmp_path):
    path = write_nvidia(tmp_path, "cuda: []\n")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        compile_source(only(tmp_path))


def test_refuses_an_empty_file(tmp_path):
    write_nvidia(tmp_path, "cuda: []\n").write_text("")
    with pytest.raises(InputError, match="expected a mapping"):
        compile_source(only(tmp_path))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_sources(tmp_path / "gone")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_damage_to_a_file_ends_in_anything_but_faults(tmp_path, data):
    path = write_framework(tmp_path)
    text = HEAD + RELEASES
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        junk = data.draw(st.text(st.sampled_from("{}[]:,-\n 'x1\"#&*!|>%@`~unkow"), max_size=6))
        text = text[:start] + junk + text[end:]
    path.write_text(text)
    with suppress(InputError):
        compile_source(only(tmp_path))


def test_matrices_are_read_from_a_zip_without_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKCHECK_CACHE_DIR", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as archive:
        archive.writestr("stackcheck/matrices/frameworks/demo.yaml", HEAD + RELEASES)
    root = zipfile.Path(tmp_path / "wheel.whl", "stackcheck/matrices/")
    knowledge = Knowledge(find_sources(base=root))
    assert [str(row.version) for row in knowledge.builds("demo")] == ["2.10", "2.10", "2.10", "2.9"]
    assert not (tmp_path / "cache").exists()
