from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest

from stackcheck.errors import InputError
from stackcheck.knowledge.document import json_schemas
from stackcheck.knowledge.lint import lint
from stackcheck.knowledge.source import shipped
from tests.stackcheck.knowledge.writing import HEAD, RELEASES, write_framework, write_nvidia


def test_the_shipped_matrices_are_clean():
    assert lint() == []


def test_a_clean_folder_has_no_faults(tmp_path):
    write_framework(tmp_path)
    assert lint(tmp_path) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        lint(tmp_path / "gone")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("evidence: [paper]}\n  - version", "evidence: []}\n  - version", "no evidence"),
        ("cuda: 12.6", "cuda: 12.4", "cuda 12.4 does not fit the label"),
        ("cuda: 12.6, ", "", "no cuda; write `unknown`"),
        ("architectures: unknown, ", "", "no architectures; write `unknown`"),
        ("sm_80 compute_90", "sm_80 sm_80", "stands twice"),
        ("version: 2.9", "version: 2.11", "out of order"),
        ("build: cpu,", "build: cpu, cuda: 12.6,", "a CPU build has no cuda"),
        ("build: cpu, channel: pypi", "build: cpu, channel: elsewhere", "no install command"),
        ("released: 2025-12-01", "released: 2026-12-01", "after the file's as_of"),
        ("[linux-x86_64, linux-aarch64]", "[linux-x86_64, linux-x86_64]", "stands here twice"),
        ("framework: demo", "framework: other", "does not fit the file's name"),
        ("as_of: 2026-01-02", "as_of: 2226-01-02", "lies in the future"),
        ("kind: doc", "kind: hearsay", "evidence of kind 'hearsay'"),
        ("the paper", "", "evidence without a source"),
        ("sources:\n", "sources:\n  book: {kind: doc, source: a book}\n", "`book` proves nothing"),
    ],
)
def test_finds_each_fault(tmp_path, old, new, fault):
    assert old in HEAD + RELEASES
    write_framework(tmp_path, RELEASES.replace(old, new), HEAD.replace(old, new))
    assert any(fault in text for text in lint(tmp_path))


def test_finds_all_faults_of_all_files_at_once(tmp_path):
    write_framework(
        tmp_path, RELEASES.replace("cuda: 12.6", "cuda: 12.4").replace("sm_80 c", "sm_80 sm_80 c")
    )
    write_nvidia(tmp_path, "gpus:\n  - {name: X, capability: 8.66, kind: toy}\n")
    faults = lint(tmp_path)
    assert sum("demo.yaml" in fault for fault in faults) == 3
    assert sum("tables.yaml" in fault for fault in faults) == 3


def test_every_fault_has_its_file_and_line(tmp_path):
    path = write_framework(
        tmp_path,
        RELEASES.replace("cuda: 12.6", "cuda: 12.4").replace(
            "build: cpu,", "build: cpu, cudnn: 9,"
        ),
        HEAD.replace("sources:\n", "sources:\n  book: {kind: doc, source: a book}\n"),
    )
    lines = path.read_text().splitlines()
    faults = lint(tmp_path)
    assert len(faults) == 3
    for fault in faults:
        name, number, _ = fault.split(":", 2)
        assert name == str(path)
        assert any(word in lines[int(number) - 1] for word in ("book:", "cuda: 12.4", "cudnn: 9"))


def test_what_a_file_cannot_be_read_for_is_told_at_once_with_lines(tmp_path):
    path = write_framework(
        tmp_path,
        RELEASES.replace("cuda: 12.6", "cuda: twelve, colour: red").replace(
            "evidence: [paper]}\n  - version", "evidence: [nobody]}\n  - version"
        ),
    )
    lines = path.read_text().splitlines()
    faults = lint(tmp_path)
    assert [fault.split(":", 2)[2].strip() for fault in sorted(faults)] == [
        "releases.builds.evidence: `nobody` is not among the file's sources",
        "releases.builds.colour: no such key",
        "releases.builds.cuda: 'twelve' is not a version",
    ]
    assert all("{build:" in lines[int(fault.split(":")[1]) - 1] for fault in faults)


def test_finds_references_that_lead_nowhere(tmp_path):
    write_framework(tmp_path)
    write_nvidia(
        tmp_path,
        """\
        sources: {a: {kind: doc, source: a}}
        cuda: [{version: 12.8.0, evidence: [a]}]
        architectures: [{name: A, capability: 8.0, first_cuda: 11.0, evidence: [a]}]
        gpus: [{name: X, capability: 8.6, kind: geforce, evidence: [a]}]
        """,
    )
    faults = lint(tmp_path)
    assert any("architectures.yaml has no 8.6" in fault for fault in faults)
    assert any("2.9+cu126: cuda.yaml has no CUDA 12.6" in fault for fault in faults)
    assert len(faults) == 2


def test_a_name_belongs_to_one_framework(tmp_path):
    write_framework(tmp_path)
    other = tmp_path / "frameworks" / "other.yaml"
    other.write_text((HEAD + RELEASES).replace("framework: demo", "framework: other"))
    assert any("demo-gpu belongs to" in fault for fault in lint(tmp_path))


RELEASES_OF_EDITORS = re.sub(r"released: (.*)", r"released: '\1'", RELEASES)
"""Editors' YAML reads a bare day as a date, which is no JSON; they hand it on as text."""


def test_editors_get_a_schema_for_every_kind_of_file():
    import jsonschema
    import yaml

    schemas = json_schemas()
    assert set(schemas) == {
        "matrix-framework",
        "matrix-nvidia",
        "matrix-quirks",
        "matrix-extension",
    }
    document = yaml.safe_load(HEAD.replace("2026-01-02", "'2026-01-02'") + RELEASES_OF_EDITORS)
    jsonschema.validate(document, schemas["matrix-framework"])
    document["colour"] = "red"
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.validate(document, schemas["matrix-framework"])


@pytest.mark.parametrize(
    "name", ["frameworks/cntk.yaml", "extensions/apex.yaml", "nvidia/compat.yaml", "quirks.yaml"]
)
def test_what_ships_fits_the_schema_that_it_names_for_editors(name):
    import jsonschema
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.2, as editors read it: a day is text."""

        yaml_implicit_resolvers: ClassVar[Any] = {
            letter: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
            for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    text = shipped().joinpath(name).read_text(encoding="utf-8")
    named = re.match(
        r"# yaml-language-server: \$schema=(?:\.\./)+stackcheck/schemas/(.*)\.json\n", text
    )
    assert named is not None
    jsonschema.validate(yaml.load(text, Loader=Loader), json_schemas()[named[1]])
