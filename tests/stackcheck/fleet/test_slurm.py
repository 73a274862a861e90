"""`fleet doctor --slurm` on Slurm's own daemons: four nodes, each another machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.stackcheck.fleet.fake_nodes import FLEET, GPUS, HANGS, lay_out_node
from tests.stackcheck.fleet.slurm_cluster import SlurmCluster, missing_programs

MISSING = missing_programs()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"needs Slurm (apt install slurm-wlm munge): no {', '.join(MISSING)}"
    ),
]


@pytest.fixture(scope="module")
def cluster(driver_directory):
    directory = Path(tempfile.mkdtemp(prefix="sc"))  # a socket's path has room for 108 letters
    try:
        nodes = {
            name: lay_out_node(name, machine, directory, driver_directory)
            for name, machine in FLEET.items()
        }
        running = SlurmCluster(directory, nodes, GPUS)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def whole(cluster):
    """The cluster with every node up, idle and playing its own machine, whatever the last test did."""
    yield cluster
    for name in cluster.names:
        (cluster.directory / name / "scenario").write_text(
            (cluster.directory / name / "scenario").read_text().replace(HANGS, "")
        )
        if name not in cluster.processes:
            cluster.start_node(name)
        cluster.command("scontrol", "update", f"nodename={name}", "state=resume")
    cluster.wait_until_idle()


def start(cluster, *arguments, **variables):
    return subprocess.Popen(
        [sys.executable, "-m", "stackcheck", "fleet", *arguments],
        env={**os.environ, **cluster.variables, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(cluster, *arguments, **variables):
    process = start(cluster, *arguments, **variables)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def rows(cluster, *arguments, **variables):
    status, output, errors = run(cluster, "doctor", "--slurm", "--json", *arguments, **variables)
    assert output, errors
    document = json.loads(output)
    return status, {row["node"]: row for row in document["nodes"]}, document


def test_each_node_has_the_row_that_is_its_own(whole):
    status, found, document = rows(whole)
    assert {name: row["state"] for name, row in found.items()} == {
        "hopper": "ok",
        "ampere": "ok",
        "dying": "ok",
        "upgraded": "findings",
    }
    assert [each["code"] for each in found["upgraded"]["findings"]] == ["KM-05"]
    gpus = next(each for each in document["drift"] if each["fact"] == "GPUs")
    told = {gpus["majority"], *(each["value"] for each in gpus["outliers"])}
    assert "8 x NVIDIA H100 80GB HBM3" in told
    assert gpus["unknown"] == ["upgraded"]
    assert status == 1


def test_a_node_that_dies_during_its_probe_is_down_and_the_others_are_judged(whole):
    scenario = whole.directory / "dying" / "scenario"
    scenario.write_text(scenario.read_text() + HANGS)
    sweep = start(whole, "doctor", "--slurm", "--json", "--timeout=60")
    whole.wait_for(lambda: whole.is_running("gpu_child", "dying"), "the probe at the driver")
    whole.kill_node("dying")
    output, errors = sweep.communicate(timeout=120)
    found = {row["node"]: row for row in json.loads(output)["nodes"]}
    assert found["dying"]["state"] == "down", errors
    assert "Not responding" in found["dying"]["detail"] or "failure" in found["dying"]["detail"]
    assert found["hopper"]["state"] == found["ampere"]["state"] == "ok"
    assert found["upgraded"]["state"] == "findings"
    assert sweep.returncode == 1


def test_a_node_that_is_gone_before_slurm_knows_is_down_with_the_launchs_words(whole):
    whole.kill_node("dying")
    _, found, _ = rows(whole)
    assert found["dying"]["state"] == "down"
    assert found["dying"]["detail"]
    assert found["hopper"]["state"] == "ok"


def test_a_drained_node_is_down_with_its_reason_and_nothing_runs_on_it(whole):
    whole.command("scontrol", "update", "nodename=ampere", "state=drain", "reason=fan | loud")
    status, found, _ = rows(whole)
    assert (found["ampere"]["state"], found["ampere"]["detail"]) == ("down", "drained: fan | loud")
    assert len(found) == 4
    assert status == 1


def test_a_node_whose_gpus_are_taken_is_busy(whole):
    holder = subprocess.Popen(
        ["srun", "--nodelist=hopper", "--gres=gpu:8", "--immediate=20", "sleep", "100"],
        env={**os.environ, **whole.variables},
    )
    try:
        whole.wait_for(lambda: whole.states()["hopper"] != "idle", "the job that takes the GPUs")
        status, found, _ = rows(whole, "--nodelist=hopper,ampere")
        assert {name: row["state"] for name, row in found.items()} == {
            "hopper": "busy",
            "ampere": "ok",
        }
        assert status == 3
    finally:
        holder.terminate()
        holder.wait()


def test_a_driver_that_hangs_costs_a_finding_and_no_more_than_the_nodes_time(whole):
    scenario = whole.directory / "ampere" / "scenario"
    scenario.write_text(scenario.read_text() + HANGS)
    _, found, _ = rows(whole, "--timeout=10", "--nodelist=ampere,hopper")
    assert [each["code"] for each in found["ampere"]["findings"]] == ["HW-06"]
    assert found["hopper"]["state"] == "ok"


def test_a_program_that_never_ends_is_a_timeout_and_its_job_is_cancelled(whole):
    hang = f"{sys.executable} -c 'import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(600)'"
    status, found, _ = rows(whole, "--nodelist=ampere", "--timeout=1", f"--stackcheck={hang}")
    assert found["ampere"]["state"] == "timeout"
    assert status == 1
    whole.wait_for(lambda: not whole.command("squeue", "-h").strip(), "the job's end")


def test_what_is_no_answer_is_a_failed_probe_with_the_programs_words(whole):
    broken = "sh -c 'echo {}; echo no such module >&2; exit 5' --"
    status, found, _ = rows(whole, f"--stackcheck={broken}")
    assert {row["state"] for row in found.values()} == {"probe-failed"}
    assert "exit status 5" in found["hopper"]["detail"]
    assert "no such module" in found["hopper"]["detail"]
    assert status == 1
    _, found, _ = rows(whole, "--stackcheck=/nowhere/stackcheck")
    assert "No such file" in found["hopper"]["detail"]


def test_inside_an_allocation_its_nodes_are_the_fleet(whole):
    command = [sys.executable, "-m", "stackcheck", "fleet", "doctor", "--slurm", "--json"]
    done = subprocess.run(
        [
            *("salloc", "--quiet", "--nodelist=hopper,ampere", "--nodes=2", "--immediate=20"),
            *("--gres=gpu:1", *command),
        ],
        env={**os.environ, **whole.variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    found = {row["node"]: row["state"] for row in json.loads(done.stdout)["nodes"]}
    assert found == {"hopper": "ok", "ampere": "ok"}


def test_names_that_slurm_does_not_know_are_a_usage_error(whole):
    status, output, errors = run(whole, "doctor", "--slurm", "--nodelist=hopper,nope[1-2]")
    assert (status, output) == (2, "")
    assert [line for line in errors.splitlines() if "no node nope1" in line]
    assert [line for line in errors.splitlines() if "no node nope2" in line]
    status, _, errors = run(whole, "doctor", "--slurm", "--partition=nope")
    assert (status, "names no node" in errors) == (2, True)


def test_without_slurms_commands_there_is_no_answer_and_no_traceback(whole):
    status, output, errors = run(whole, "doctor", "--slurm", PATH="/nowhere")
    assert (status, output) == (3, "")
    assert errors == "error: `sinfo` is not here; run it where Slurm's commands are\n"


def test_one_environment_is_planned_from_what_the_nodes_say(whole):
    status, output, errors = run(
        whole, "plan", "pytorch", "--slurm", "--nodelist=hopper,ampere", "--json"
    )
    assert status == 0, errors
    (group,) = json.loads(output)["groups"]
    assert sorted(group["nodes"]) == ["ampere", "hopper"]
