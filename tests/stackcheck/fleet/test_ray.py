"""`fleet doctor --ray` on Ray's own cluster: four nodes, each another machine.

Ray is heavy and pins much, so it may live in an environment of its own, with StackCheck in it: `STACKCHECK_TEST_RAY` names
that environment's Python.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.stackcheck.fleet.fake_nodes import FLEET, GPUS, HANGS, lay_out_node

PYTHON = os.environ.get("STACKCHECK_TEST_RAY") or (
    sys.executable if importlib.util.find_spec("ray") else None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PYTHON is None, reason="needs ray[default] here, or STACKCHECK_TEST_RAY=PYTHON that has it"
    ),
]


class RayCluster:
    """The program that holds the cluster, and the way to ask StackCheck about it."""

    def __init__(self, directory, driver):
        self.directory = directory
        asked = {
            name: {
                "gpus": GPUS[name],
                "variables": lay_out_node(name, machine, directory, driver),
            }
            for name, machine in FLEET.items()
        }
        folder = str(Path(PYTHON).parent)
        self.variables = {"PATH": f"{folder}:{os.environ['PATH']}", "RAY_USAGE_STATS_ENABLED": "0"}
        program = Path(__file__).with_name("ray_cluster_program.py")
        with (directory / "cluster.log").open("wb") as log:
            self.process = subprocess.Popen(
                [PYTHON, str(program), json.dumps(asked)],
                env={**os.environ, **self.variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        told = json.loads(self._answer("{"))
        self.address = told["address"]
        self.dashboard = f"http://{told['dashboard']}"

    def _answer(self, start):
        for line in self.process.stdout:
            if line.startswith(start):
                return line
        raise RuntimeError((self.directory / "cluster.log").read_text()[-3000:])

    def order(self, *words):
        self.process.stdin.write(f"{' '.join(words)}\n")
        self.process.stdin.flush()
        self._answer("done")

    def stop(self):
        self.process.communicate(timeout=120)

    def start(self, *arguments):
        return subprocess.Popen(
            [PYTHON, "-m", "stackcheck", "fleet", *arguments],
            env={**os.environ, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self, address, *arguments):
        process = self.start("doctor", f"--ray={address}", "--json", *arguments)
        output, errors = process.communicate(timeout=180)
        assert output, errors
        found = {row["node"]: row for row in json.loads(output)["nodes"]}
        found.pop("doomed", None)  # a cluster remembers its dead, whichever test went first
        return process.returncode, found


@pytest.fixture(scope="module")
def cluster(driver_directory):
    directory = Path(tempfile.mkdtemp(prefix="ray"))
    try:
        running = RayCluster(directory, driver_directory)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=["driver", "jobs"])
def address(request, cluster):
    return cluster.address if request.param == "driver" else cluster.dashboard


def is_running(word, variable):
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (
                word.encode() in (path / "cmdline").read_bytes()
                and variable.encode() in (path / "environ").read_bytes()
            ):
                return True
        except OSError:
            continue
    return False


def test_each_node_has_the_row_that_is_its_own(cluster, address):
    status, found = cluster.rows(address)
    assert {name: row["state"] for name, row in found.items()} == {
        "hopper": "ok",
        "ampere": "ok",
        "dying": "ok",
        "upgraded": "findings",
    }
    assert [each["code"] for each in found["upgraded"]["findings"]] == ["KM-05"]
    assert status == 1


def test_what_is_no_answer_is_a_failed_probe_with_the_programs_words(cluster, address):
    broken = "sh -c 'echo no such module >&2; exit 5' --"
    status, found = cluster.rows(address, f"--stackcheck={broken}")
    assert {row["state"] for row in found.values()} == {"probe-failed"}
    assert "exit status 5: no such module" in found["hopper"]["detail"]
    assert status in (1, 3)  # 1 once a node of the cluster has died


def test_a_program_that_never_ends_is_a_timeout(cluster, address):
    status, found = cluster.rows(address, "--stackcheck=sh -c 'sleep 600' --", "--timeout=1")
    assert {row["state"] for row in found.values()} == {"timeout"}
    assert status in (1, 3)  # 1 once a node of the cluster has died


@pytest.mark.skipif(sys.executable == PYTHON, reason="this Python has Ray")
def test_a_python_without_ray_asks_by_the_dashboard(cluster):
    command = [sys.executable, "-m", "stackcheck", "fleet", "doctor"]
    done = subprocess.run(
        [*command, f"--ray={cluster.address}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "http://HOST:8265" in done.stderr
    done = subprocess.run(
        [*command, f"--ray={cluster.dashboard}", "--json"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    states = {row["node"]: row["state"] for row in json.loads(done.stdout)["nodes"]}
    assert states.items() >= {"hopper": "ok", "ampere": "ok", "upgraded": "findings"}.items()


def test_an_address_where_nobody_listens_is_no_answer_and_no_traceback(cluster):
    process = cluster.start("doctor", "--ray=http://127.0.0.1:9")
    output, errors = process.communicate(timeout=180)
    assert (process.returncode, output) == (3, "")
    assert "no answer" in errors
    assert "Traceback" not in errors


def test_a_node_that_dies_during_its_probe_is_down_and_the_others_are_judged(
    cluster, driver_directory
):
    variables = lay_out_node("doomed", "b200", cluster.directory, driver_directory, HANGS)
    cluster.order("add", "doomed", json.dumps(variables))
    sweep = cluster.start("doctor", f"--ray={cluster.address}", "--json", "--timeout=60")
    for _ in range(300):
        if is_running("gpu_child", variables["FAKE_DRIVER_SCENARIO"]):
            break
        time.sleep(0.1)
    cluster.order("kill", "doomed")
    output, errors = sweep.communicate(timeout=180)
    assert output, errors
    found = {row["node"]: row for row in json.loads(output)["nodes"]}
    assert (found["doomed"]["state"], bool(found["doomed"]["detail"])) == ("down", True)
    assert found["hopper"]["state"] == found["ampere"]["state"] == "ok"
    assert len(found) == 5
