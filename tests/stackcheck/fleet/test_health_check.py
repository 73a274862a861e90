"""`fleet health-check` as the HealthCheckProgram of Slurm's own daemons; and `doctor`'s formats for watchers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stackcheck.cli.app import run
from tests.stackcheck.fleet.fake_nodes import FLEET, lay_out_node
from tests.stackcheck.fleet.slurm_cluster import SlurmCluster, missing_programs

MISSING = missing_programs()
NODES = ("hopper", "upgraded")


@pytest.fixture
def watched(driver_directory):
    """A cluster whose nodes check themselves, each as the machine that it plays, and leave their facts."""
    directory = Path(tempfile.mkdtemp(prefix="sc"))
    (directory / "facts").mkdir()
    script = directory / "health-check"
    assert run(["fleet", "health-check", f"--output={script}"]) == 0
    played = directory / "as-played"
    played.write_text(
        "#!/bin/sh\n"
        f'. "{directory}/nodes/$SLURMD_NODENAME"\n'
        f"export SLURM_CONF={directory}/slurm.conf STACKCHECK_FACTS={directory}/facts PYTHONPATH={os.pathsep.join(sys.path)}\n"
        f"exec {script}\n"
    )
    played.chmod(0o755)
    settings = [
        f"HealthCheckProgram={played}",
        "HealthCheckInterval=3",
        "HealthCheckNodeState=ANY",
    ]
    cluster = None
    try:
        nodes = {
            name: lay_out_node(name, FLEET[name], directory, driver_directory) for name in NODES
        }
        cluster = SlurmCluster(directory, nodes, {}, settings, wait=False)
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(directory)


@pytest.mark.slow
@pytest.mark.skipif(
    bool(MISSING), reason=f"needs Slurm (apt install slurm-wlm munge): no {', '.join(MISSING)}"
)
def test_the_node_with_an_error_is_drained_with_the_reason_and_the_other_stays(watched):
    watched.wait_for(lambda: watched.states().get("upgraded") == "drained", "the drain")
    reason = watched.command("sinfo", "-h", "-N", "-n", "upgraded", "-o", "%E").strip()
    assert reason == (
        "stackcheck: error KM-05 nvml-driver-library-mismatch:"
        " kernel module is 575.57.08, user-mode library is 580.95.05"
    )
    facts = watched.directory / "facts"
    watched.wait_for(
        lambda: {path.name for path in facts.glob("*.json")} == {"hopper.json", "upgraded.json"},
        "the facts of both",
    )
    watched.wait_for(lambda: watched.states()["hopper"] == "idle", "the node that is well")
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", "fleet", "doctor", f"--facts={facts}", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = json.loads(done.stdout)["nodes"]
    assert sorted(row["state"] for row in rows) == ["findings", "ok"]
    assert all(isinstance(row["age_s"], int) for row in rows)


def test_the_script_is_sound_and_says_how_stackcheck_is_called(capsys):
    assert run(["fleet", "health-check"]) == 0
    text = capsys.readouterr().out
    assert sys.executable in text
    assert "@" not in text.replace("@[", "")
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("no shell to read it")
    assert subprocess.run([shell, "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("machine", "without", "with_it"),
    [
        ("hw06-driver-hangs", 3, 0),
        ("h100-nvswitch", 0, 0),
        ("km05-upgraded-without-reboot", 1, 1),
    ],
)
def test_unknown_ok_makes_well_of_unknown_alone(machine, without, with_it, machine_tree, capsys):
    machine_tree(machine)
    fast = ["doctor", "--timeout=1"] if machine.startswith("hw06") else ["doctor"]
    assert run(fast) == without
    assert run([*fast, "--unknown-ok"]) == with_it
    capsys.readouterr()
    assert run(["doctor", "--unknown-ok", "--fail-on=unknown"]) == 2
    assert "contradicts" in capsys.readouterr().err


def test_the_metrics_are_what_prometheus_own_parser_reads(machine_tree, capsys):
    parser = pytest.importorskip("prometheus_client.parser")
    machine_tree("km05-upgraded-without-reboot")
    assert run(["doctor", "--format=prometheus"]) == 1
    families = {
        each.name: each for each in parser.text_string_to_metric_families(capsys.readouterr().out)
    }
    statuses = {
        sample.labels["status"]: sample.value for sample in families["stackcheck_status"].samples
    }
    assert statuses == {"ok": 0, "warning": 0, "error": 1, "unknown": 0}
    (finding,) = families["stackcheck_finding"].samples
    assert (finding.labels["code"], finding.value) == ("KM-05", 1)
    assert {each.type for each in families.values()} == {"gauge"}


def test_the_reason_is_one_line(machine_tree, capsys):
    machine_tree("km05-upgraded-without-reboot")
    assert run(["doctor", "--format=reason"]) == 1
    text = capsys.readouterr().out
    assert re.fullmatch(r"error KM-05 nvml-driver-library-mismatch: [^\n]+\n", text)
