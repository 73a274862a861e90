"""Judge a fleet: time and memory for facts files, from 100 nodes to 10,000, and a sweep under Slurm beside one doctor.

    python benchmarks/fleet.py [--sizes 100 1000 10000] [--limit 20] [--slurm]

Each facts file is what `stackcheck probe` says of a machine of `tests/machines` (eight H100, met through the fake
driver), with names, serials, UUIDs, temperatures and free memory of its own; a few have another driver, a GPU less, or
are no facts at all. With --slurm, Slurm's own daemons are started here with four nodes, and `fleet doctor --slurm` runs
alternately with `srun stackcheck doctor` on one of them; on one host the nodes share its cores, as in no cluster.

On two cores (2026-11-20): 0.5 s for 100, 1.4 s for 1,000, 12.9 s for 10,000, at most 126 MB in any process; the sweep
of four nodes took 2.2 times one node's doctor.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "engine")]

from tests.hardware.driver import build_driver  # noqa: E402
from tests.stackcheck.fleet.fake_nodes import lay_out_node  # noqa: E402

STACKCHECK = (sys.executable, "-m", "stackcheck")


def probe(directory: Path) -> str:
    """Return the facts of one node, as its own probe tells them."""
    (directory / "driver").mkdir()
    build_driver(directory / "driver")
    variables = lay_out_node("node", "h100-nvswitch", directory, directory / "driver")
    return subprocess.run(
        [*STACKCHECK, "probe"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout


def write_files(directory: Path, count: int, text: str) -> int:
    """Write one file per node and return their bytes."""
    dice = random.Random(count)
    total = 0
    for index in range(count):
        machine = json.loads(text)
        machine["host"]["hostname"]["value"] = f"n{index:05}"
        for gpu in machine["gpus"]["value"]:
            gpu["uuid"] = {
                "value": f"GPU-{dice.getrandbits(128):032x}",
                "source": "NVML",
                "state": "known",
            }
            gpu["serial"] = {"value": str(dice.getrandbits(40)), "source": "NVML", "state": "known"}
            gpu["temperature_celsius"] = {
                "value": dice.randrange(25, 60),
                "source": "NVML",
                "state": "known",
            }
            gpu["memory_free_bytes"] = {
                "value": 80_000_000_000 + dice.randrange(10**6),
                "source": "NVML",
                "state": "known",
            }
        machine["host"]["limits"]["tmp_free_bytes"]["value"] += dice.randrange(10**9)
        content = json.dumps(machine)
        if index % 97 == 1:
            content = content.replace("570.133.20", "570.124.06")
        if index % 101 == 2:
            machine["gpus"]["value"].pop()
            content = json.dumps(machine)
        if index % 499 == 3:
            content = content[: len(content) // 2]
        (directory / f"n{index:05}.json").write_text(content, encoding="utf-8")
        total += len(content)
    return total


def measure_slurm(rounds: int = 10) -> None:
    """Print the sweep's time as a ratio to one node's doctor."""
    from tests.stackcheck.fleet.fake_nodes import FLEET, GPUS
    from tests.stackcheck.fleet.slurm_cluster import SlurmCluster, missing_programs

    if missing := missing_programs():
        print(f"no Slurm here: {', '.join(missing)}")
        return
    with tempfile.TemporaryDirectory(prefix="sc") as name:
        directory = Path(name)
        (directory / "driver").mkdir()
        build_driver(directory / "driver")
        nodes = {
            node: lay_out_node(node, machine, directory, directory / "driver")
            for node, machine in FLEET.items()
        }
        cluster = SlurmCluster(directory, nodes, GPUS)
        try:
            one, sweep = [], []
            srun = ("srun", "--nodelist=hopper", "--gres=gpu:8")
            for _ in range(rounds):
                one.append(seconds_of((*srun, *STACKCHECK, "doctor"), cluster.variables))
                command = (*STACKCHECK, "fleet", "doctor", "--slurm")
                sweep.append(seconds_of(command, cluster.variables))
        finally:
            cluster.stop()
    print(
        f"one node's doctor {min(one):.2f} s, sweep of {len(nodes)} {min(sweep):.2f} s, "
        f"ratio of minima {min(sweep) / min(one):.2f}, "
        f"of medians {statistics.median(sweep) / statistics.median(one):.2f}"
    )


def seconds_of(command: tuple[str, ...], variables: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, cwd=ROOT, check=False
    )
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for the largest")
    parser.add_argument("--slurm", action="store_true", help="a sweep under Slurm, too")
    arguments = parser.parse_args()
    if arguments.slurm:
        measure_slurm()
    print("| nodes | MB of files | seconds | ms a node | peak memory, MB | rows |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        text = probe(Path(name))
        for size in arguments.sizes:
            directory = Path(name) / str(size)
            directory.mkdir()
            total = write_files(directory, size, text)
            begun = time.perf_counter()
            done = subprocess.run(
                [*STACKCHECK, "fleet", "doctor", "--facts", str(directory), "--json"],
                capture_output=True,
                cwd=ROOT,
                check=False,
            )
            seconds = time.perf_counter() - begun
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            rows = json.loads(done.stdout)["nodes"]
            assert len(rows) == size, done.stderr[-2000:]
            print(
                f"| {size} | {total / 1e6:.1f} | {seconds:.2f} | {1000 * seconds / size:.2f} "
                f"| {peak:.0f} | {len(rows)} |"
            )
    if seconds > arguments.limit:
        raise SystemExit(
            f"{size} nodes took {seconds:.1f} s, and {arguments.limit:g} s is the limit"
        )


if __name__ == "__main__":
    main()
