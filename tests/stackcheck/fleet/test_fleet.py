from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from stackcheck.cli.app import run
from stackcheck.errors import InputError
from stackcheck.fleet.drift import find_drift
from stackcheck.fleet.files import list_files
from stackcheck.fleet.node import Node
from stackcheck.fleet.planning import _part, plan_fleet
from stackcheck.fleet.sources import FleetOfFiles
from stackcheck.knowledge.knowledge import load
from stackcheck.model.fact import Known
from stackcheck.probe.facts_file import write_machine
from stackcheck.render.documents import json_schema
from stackcheck.resolve.check import check
from stackcheck.resolve.requirements import parse_requirement, parse_requirements
from stackcheck.resolve.stated import Statement, state_machine
from stackcheck.resolve.wishes import Wishes

KNOWLEDGE = load()


def machine(name, gpu, driver, os="Ubuntu 22.04"):
    stated = state_machine(Statement(gpu=gpu, driver=driver, os=os), KNOWLEDGE)
    return replace(stated, host=replace(stated.host, hostname=Known(name, "test")))


@pytest.fixture
def folder(tmp_path):
    for index in range(3):
        write_machine(machine(f"h{index}", ["H100"] * 8, "570.133.07"), tmp_path / f"h{index}.json")
    write_machine(machine("odd", ["H100"] * 7, "550.54.14"), tmp_path / "odd.json")
    (tmp_path / "bad.json").write_text('{"schema": "stackcheck.machine/1", "gpus": 7')
    return tmp_path


def rows_of(folder):
    return list(FleetOfFiles(list_files(folder)).rows(None, None))


def test_every_file_is_a_node_and_a_broken_one_is_a_failed_probe(folder):
    nodes = {node.name: node for node in rows_of(folder)}
    assert set(nodes) == {"h0", "h1", "h2", "odd", "bad"}
    assert nodes["bad"].state == "probe-failed"
    assert "JSON" in nodes["bad"].detail


def test_the_majority_is_the_reference_and_outliers_are_named(folder):
    drift = {each.fact: each for each in find_drift(rows_of(folder))}
    assert drift["driver"].majority == "570.133.07"
    assert drift["driver"].outliers == (("odd", "550.54.14"),)
    assert drift["GPUs"].outliers[0][1].startswith("7 x")
    assert "glibc" not in drift


def test_a_node_without_facts_is_no_outlier():
    nodes = [
        Node("a", "ok", facts={"driver": "1"}),
        Node("b", "down"),
        Node("c", "ok", facts={"driver": "1"}),
    ]
    assert find_drift(nodes) == ()


def test_a_named_machine_is_the_reference_even_where_all_nodes_agree(tmp_path):
    nodes = [Node(name, "ok", facts={"driver": "570", "kernel": "5.15"}) for name in "ab"]
    (drift,) = find_drift(nodes, {"driver": "580", "kernel": "5.15", "glibc": "2.35"})
    assert (drift.fact, drift.majority, drift.share) == ("driver", "580", 0)
    assert [name for name, _ in drift.outliers] == ["a", "b"]


def test_an_unknown_value_is_neither_alike_nor_different():
    nodes = [Node("a", "ok", facts={"driver": "1"}), Node("b", "ok", facts={"driver": "unknown"})]
    assert find_drift(nodes) == ()
    (drift,) = find_drift([*nodes, Node("c", "ok", facts={"driver": "2"})])
    assert drift.unknown == ("b",)
    assert drift.outliers == (("c", "2"),)


def test_two_files_of_one_host_are_two_rows(tmp_path):
    for name in ("first", "second"):
        write_machine(machine("twin", ["H100"], "570.133.07"), tmp_path / f"{name}.json")
    assert [row.name for row in rows_of(tmp_path)] == ["twin", "twin (second.json)"]


@pytest.mark.slow
def test_several_processes_give_the_same_rows_as_one(tmp_path):
    for index in range(450):
        path = tmp_path / f"n{index:03}.json"
        if index % 50 == 7:
            path.write_text("{")
        else:
            write_machine(machine(f"n{index:03}", ["H100"], "570.133.07"), path)
    rows = rows_of(tmp_path)
    assert [row.name for row in rows] == [f"n{index:03}" for index in range(450)]
    assert {row.name for row in rows if "JSON" in row.detail} == {
        f"n{index:03}" for index in range(7, 450, 50)
    }
    alone = FleetOfFiles(list_files(tmp_path)[:10])
    assert list(alone.rows(None, None)) == rows[:10]


def test_an_empty_or_missing_folder_is_a_usage_error(tmp_path):
    with pytest.raises(InputError):
        list_files(tmp_path)
    with pytest.raises(InputError):
        list_files(tmp_path / "absent")


def test_one_environment_where_one_holds_on_all():
    machines = [
        ("a", machine("a", ["A100"], "570.133.07")),
        ("b", machine("b", ["H100"], "580.95.05")),
    ]
    plan = plan_fleet(parse_requirements(["pytorch"], KNOWLEDGE), machines, KNOWLEDGE, Wishes())
    (group,) = plan.groups
    assert group.nodes == ("a", "b")


def test_a_mixed_fleet_gets_few_environments_that_check_accepts_on_every_node():
    machines = {
        "volta": machine("volta", ["V100"], "535.183.01"),
        "ampere": machine("ampere", ["A100"], "570.133.07"),
        "hopper": machine("hopper", ["H100"], "580.95.05"),
        "blackwell": machine("blackwell", ["B200"], "580.95.05"),
        "spark": machine("spark", ["GB10"], "580.95.05"),
    }
    groups = plan_fleet(
        parse_requirements(["pytorch>=2.9"], KNOWLEDGE), list(machines.items()), KNOWLEDGE, Wishes()
    ).groups
    assert sorted(name for group in groups for name in group.nodes) == sorted(machines)
    for group in groups:
        for build in group.resolution.plan.builds:
            spec = parse_requirement(f"{build.framework}+{build.build}=={build.version}", KNOWLEDGE)
            for name in group.nodes:
                verdict = check([spec], [machines[name]], KNOWLEDGE, Wishes(channel=build.channel))
                assert verdict.verdict == "works", (name, verdict.violations)


def test_nodes_alike_are_one_kind_whatever_they_are_called():
    machines = [
        (f"n{index}", machine(f"n{index}", ["H100"] * 8, "580.95.05")) for index in range(50)
    ]
    plan = plan_fleet(parse_requirements(["pytorch"], KNOWLEDGE), machines, KNOWLEDGE, Wishes())
    assert (plan.kinds, len(plan.groups), len(plan.groups[0].nodes)) == (1, 1, 50)


def test_the_node_that_holds_the_others_back_is_named_with_what_they_could_have():
    machines = [
        ("new", machine("new", ["H100"], "580.95.05")),
        ("old", machine("old", ["H100"], "535.183.01")),
    ]
    (group,) = plan_fleet(
        parse_requirements(["pytorch"], KNOWLEDGE), machines, KNOWLEDGE, Wishes()
    ).groups
    (brake,) = group.brakes
    assert brake.nodes == ("old",)
    assert str(brake.driver) == "535.183.01"
    assert any("cu13" in label for label in brake.gains)
    assert all(nodes == ("old",) for change, nodes in group.older if "580" in change)


def test_a_node_without_any_plan_is_a_group_of_its_own_with_the_cause():
    machines = [
        ("kepler", machine("kepler", ["K80"], "470.57.02", "CentOS 7")),
        ("hopper", machine("hopper", ["H100"], "580.95.05")),
    ]
    good, bad = plan_fleet(
        parse_requirements(["pytorch>=2.9"], KNOWLEDGE), machines, KNOWLEDGE, Wishes()
    ).groups
    assert (good.nodes, bad.nodes) == (("hopper",), ("kepler",))
    assert bad.resolution.plan is None
    assert bad.resolution.causes


def test_the_groups_are_the_fewest_where_taking_the_first_place_would_take_more():
    fitting = [{0, 1}, {0, 2}, {1, 3}]

    def fits(members):
        return len(members) == 1 or any(members <= each for each in fitting)

    parts = _part([0, 1, 2, 3], fits)
    assert sorted(map(sorted, parts)) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("command", [["doctor"], ["plan", "pytorch"]], ids=" ".join)
def test_the_documents_are_what_their_schemas_say(command, folder, capsys):
    assert run(["fleet", *command, f"--facts={folder}", "--json"]) in (1, 3)
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, json_schema(f"fleet-{command[0]}"))
    assert document["schema"] == f"stackcheck.fleet-{command[0]}/1"


def test_what_does_not_go_together_is_told_at_once(folder, capsys):
    assert run(["fleet", "doctor", "--partition=a", "--nodelist=b", "--stackcheck=x"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert run(["fleet", "doctor"]) == 2
    assert "--slurm, --ray ADDRESS, or --facts DIR" in capsys.readouterr().err
    assert run(["fleet", "doctor", "--slurm", f"--facts={folder}"]) == 2
    assert "contradicts" in capsys.readouterr().err
