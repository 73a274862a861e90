"""Each machine through the real binding and the whole of `doctor`: the findings that its folder expects, and no more."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from stackcheck.cli.app import run
from tests.hardware.machine_tree import MACHINES, names

LayOut = Callable[[str], dict[str, str]]


@pytest.mark.parametrize("name", names())
def test_doctor_finds_what_is_wrong_and_nothing_else(
    name: str,
    machine_tree: LayOut,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    machine_tree(name)
    expected = json.loads((MACHINES / name / "expected.json").read_text(encoding="utf-8"))
    if reason := expected.get("xfail"):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    status = run(["doctor", "--json", *expected.get("arguments", [])])
    document = json.loads(capsys.readouterr().out)
    crashed = [check["code"] for check in document["checks"] if check["outcome"] == "crashed"]
    undecided = [check for check in document["checks"] if check["outcome"] == "unknown"]
    assert crashed == []
    assert [finding["code"] for finding in document["findings"]] == expected["findings"]
    if not expected["findings"]:
        assert [check["code"] for check in undecided] == []
    found = {check["code"] for check in document["checks"] if check["outcome"] == "finding"}
    assert found >= {*expected["findings"], *expected.get("consequences", [])}
    assert status == expected["status"]


def test_every_machine_has_its_provenance() -> None:
    text = (MACHINES / "PROVENANCE.md").read_text(encoding="utf-8")
    assert [name for name in names() if f"`{name}`" not in text] == []
