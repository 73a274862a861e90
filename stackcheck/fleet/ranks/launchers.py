"""How ranks are started: by this process, by MPI's launcher, by Slurm, by Ray."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from stackcheck.errors import InputError
from stackcheck.fleet.ranks.ensemble import Ensemble
from stackcheck.fleet.ranks.streams import Line
from stackcheck.model.record import record

__all__ = ["Launcher", "Local", "Member", "Mpi", "Ray", "Slurm", "make_request"]


def make_request(
    library: str, device: str, backend: str, steps: int, patience: float
) -> dict[str, Any]:
    """Make the request of `payload/rank.py`; collectives give up a little before the ranks are ended."""
    return {
        "library": library,
        "device": device,
        "backend": backend,
        "steps": steps,
        "seconds": max(2.0, 0.8 * patience),
        "megabytes": 4 if device == "cpu" else 64,
    }


def _program(python: str, request: Mapping[str, Any]) -> list[str]:
    text = (files("stackcheck.payload") / "rank.py").read_text("utf-8")
    return [python, "-c", text, json.dumps(request)]


class Launcher(Protocol):
    """Starts `world` ranks, and reads what the launching programs say about them."""

    @property
    def own_ranks(self) -> Sequence[int] | None:
        """Where somebody else has started the others, the ranks that are heard from here."""

    def commands(
        self, world: int, python: str, request: Mapping[str, Any]
    ) -> tuple[Sequence[Sequence[str]], Sequence[Mapping[str, str]]]:
        """Return the commands to run side by side, and the variables of each. Raises `InputError`."""

    def notice(self, line: Line, ensemble: Ensemble) -> None:
        """Read from a line on standard error, or from the end of a process, which rank ended by itself."""


class Member:
    """This process's share of ranks: `torchrun`, Kubernetes or a script has started it and the others.

    It has `count` ranks one after another; the first is RANK, or count times the index of a Kubernetes Indexed Job.
    """

    def __init__(self, count: int = 1) -> None:
        index = os.environ.get("RANK") or os.environ.get("JOB_COMPLETION_INDEX")
        world = os.environ.get("WORLD_SIZE")
        if not (index or "").isdigit() or not (world or "").isdigit():
            raise InputError(f"RANK={index} and WORLD_SIZE={world}: both must be whole numbers")
        first = int(index or 0) * (1 if "RANK" in os.environ else count)
        self.world = int(world or 0)
        self.own_ranks: Sequence[int] | None = range(first, first + count)
        if first + count > self.world:
            raise InputError(f"rank {first + count - 1} is outside WORLD_SIZE={world}")

    def commands(
        self, world: int, python: str, request: Mapping[str, Any]
    ) -> tuple[Sequence[Sequence[str]], Sequence[Mapping[str, str]]]:
        """Run the ranks; where they meet is in the variables already."""
        ranks = [rank for rank in self.own_ranks or () if rank < world]
        places = [{"RANK": str(rank), "LOCAL_RANK": str(rank - ranks[0])} for rank in ranks]
        if len(ranks) == 1:
            places = [{"RANK": str(ranks[0])}]  # its launcher knows better which GPU is its own
        return [_program(python, request)] * len(ranks), places

    def notice(self, line: Line, ensemble: Ensemble) -> None:
        """Take a process for its rank."""
        if line.channel == "end":
            ensemble.end((self.own_ranks or ())[line.process], line.text or "exit status 0")


class Local:
    """One process a rank, on this machine; they meet by a file and on the loopback device, so that nobody else can."""

    own_ranks: Sequence[int] | None = None

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stackcheck-ranks-")

    def commands(
        self, world: int, python: str, request: Mapping[str, Any]
    ) -> tuple[Sequence[Sequence[str]], Sequence[Mapping[str, str]]]:
        """Give each rank its place by the variables that `torchrun` sets."""
        device = "lo0" if sys.platform == "darwin" else "lo"
        shared = {
            "WORLD_SIZE": str(world),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(find_port()),
            "GLOO_SOCKET_IFNAME": device,
            "NCCL_SOCKET_IFNAME": device,
        }
        places = [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(world)]
        meeting = str(Path(self._folder.name) / "store")
        return [_program(python, {**request, "meeting": meeting})] * world, places

    def notice(self, line: Line, ensemble: Ensemble) -> None:
        """Take the process for its rank."""
        if line.channel == "end":
            ensemble.end(line.process, line.text or "exit status 0")


@record(frozen=True)
class Mpi:
    """`mpiexec` of the environment, or of the machine."""

    hosts: str | None = None
    """Hosts by comma, as the launcher takes them."""
    own_ranks: Sequence[int] | None = None

    def commands(
        self, world: int, python: str, request: Mapping[str, Any]
    ) -> tuple[Sequence[Sequence[str]], Sequence[Mapping[str, str]]]:
        """Start all by one `mpiexec`: the environment's own before the one on PATH, whose MPI may be another."""
        beside = Path(python).parent / "mpiexec"
        launcher = str(beside) if beside.is_file() else shutil.which("mpiexec")
        if launcher is None:
            raise InputError(
                f"--mpi: no mpiexec beside {python} or on PATH; `pip install mpich mpi4py` brings one"
            )
        hosts = ["-hosts", self.hosts] if self.hosts else []
        return [
            [
                launcher,
                "-n",
                str(world),
                *hosts,
                *_program(python, {**request, "port": find_port()}),
            ]
        ], [{}]

    _BAD = re.compile(r"=\s+PID (\d+) RUNNING AT (\S+)")
    _HOW = re.compile(r"TERMINATED WITH THE EXIT STRING: (.+?) \(signal|=\s+(EXIT CODE: \d+)")

    def notice(self, line: Line, ensemble: Ensemble) -> None:
        """Hydra says that a process ended, and names one that is not always the one."""
        if line.channel == "end":
            return
        if found := self._BAD.search(line.text):
            ensemble.suspect(found[2], int(found[1]))
        if found := self._HOW.search(line.text):
            ensemble.aborted = f"{found[1] or found[2]}, says mpiexec"


@record(frozen=True)
class Slurm:
    """One job step of `srun`, a task a rank."""

    partition: str | None = None
    nodelist: str | None = None
    nodes: int | None = None
    own_ranks: Sequence[int] | None = None

    def commands(
        self, world: int, python: str, request: Mapping[str, Any]
    ) -> tuple[Sequence[Sequence[str]], Sequence[Mapping[str, str]]]:
        """Leave the others running when one dies: what they report shows whom they miss."""
        if shutil.which("srun") is None:
            raise InputError("--slurm: no srun on PATH; run this where jobs are submitted")
        where = [
            *([f"--partition={self.partition}"] if self.partition else []),
            *([f"--nodelist={self.nodelist}"] if self.nodelist else []),
        ]
        spread = [f"--nodes={self.nodes}"] if self.nodes else []
        if request["backend"] == "mpi":
            spread.append("--mpi=pmi2")
        gpus = request["device"] == "cuda" or (request["device"] == "auto" and _offers_gpus(where))
        engine = request["library"] == "stackgrad" and request["backend"] == "auto" and not gpus
        more = [
            *([f"--nodes={self.nodes}"] if self.nodes else []),
            *(["--gpus-per-task=1"] if gpus else []),
            *(["--mpi=pmi2"] if request["backend"] == "mpi" or engine else []),
        ]
        port = 20000 + find_port() % 20000
        return [
            [
                "srun",
                f"--ntasks={world}",
                "--kill-on-bad-exit=0",
                "--job-name=stackcheck",
                *where,
                *more,
                *_program(python, {**request, "port": port}),
            ]
        ], [{}]

    _ENDED = re.compile(r"srun: error: (\S+): tasks? ([\d,\-\[\]]+): (.+)")

    def notice(self, line: Line, ensemble: Ensemble) -> None:
        """`srun: error: node1: task 3: Killed`."""
        if line.channel != "end" and (found := self._ENDED.match(line.text)):
            for rank in expand(found[2]):
                ensemble.end(rank, found[3])


def _offers_gpus(where: Sequence[str]) -> bool:
    """Tell whether the nodes that would be taken have GPUs to ask for; a rank that asks for none sees none."""
    asked = [part.replace("nodelist", "nodes") for part in where]
    command = [shutil.which("sinfo") or "sinfo", "--noheader", "--format=%G", *asked]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return "gpu" in told.stdout


@record(frozen=True)
class Ray:
    """One actor a rank on a Ray cluster, driven from the environment's Python, which has the cluster's Ray."""

    address: str
    own_ranks: Sequence[int] | None = None

    def commands(
        self, world: int, python: str, request: Mapping[str, Any]
    ) -> tuple[Sequence[Sequence[str]], Sequence[Mapping[str, str]]]:
        """Drive by one process; the ranks run in the Python of their node's own Ray."""
        asked = {
            "address": self.address,
            "world": world,
            "device": request["device"],
            "command": ["PYTHON", *_program(python, request)[1:]],
            "variables": {},
        }
        text = (files("stackcheck.payload") / "ray_ranks.py").read_text("utf-8")
        return [[python, "-c", text, json.dumps(asked)]], [{"RAY_DEDUP_LOGS": "0"}]

    def notice(self, line: Line, ensemble: Ensemble) -> None:
        """Read lines such as `{"ended": 3, "how": "ActorDiedError of Ray"}`."""
        if line.channel == "errors" and line.text.startswith('{"ended"'):
            with suppress(ValueError, KeyError, TypeError):
                told = json.loads(line.text)
                ensemble.end(int(told["ended"]), str(told["how"]))


def expand(ranges: str) -> Iterator[int]:
    """Expand `0,2-4` or `[0,2-4]`."""
    for part in ranges.strip("[]").split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            yield from range(int(first), int(last or first) + 1)


def find_port() -> int:
    """Return a port that nothing uses at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
