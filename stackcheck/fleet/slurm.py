"""Slurm, by its commands: nodes from `sinfo`, one single-node step per node by `srun`.

One step over all nodes would abort as a whole when one node fails to launch it; steps of their own lose only
themselves. `srun` ends with 0 for a step whose node failed: what the program said decides, and not the status.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stackcheck.errors import InputError, Undeterminable
from stackcheck.fleet.processes import Ended, race
from stackcheck.fleet.starting import START_HERE
from stackcheck.fleet.transport import Outcome, Place, Program, Refusal
from stackcheck.model.record import record

__all__ = ["Slurm"]

_FORMAT = "%N|%P|%a|%T|%G|%E"
"""Node, partition (`*` marks the default one), whether that is up, state, generic resources, reason."""
_COMMAND_SECONDS = 30.0
_START_SECONDS = 15.0
"""For the controller, the prolog and the launch, beside waiting in the queue."""
_DOWN = {
    "down",
    "drained",
    "draining",
    "drain",
    "fail",
    "failing",
    "error",
    "unknown",
    "inval",
    "future",
}
_TAKEN = {"allocated", "completing"}
_ASLEEP = {"powered_down", "powering_down", "power_down", "reboot_issued", "reboot"}
_GPUS = re.compile(r"(?:^|,)gpu(?::[^:,(]+)?:(\d+)")
_BUSY = re.compile(
    "Requested nodes are busy|Resources temporarily unavailable|Job/step already compl"
)
_REFUSED = re.compile("Unable to (?:allocate resources|create step|confirm allocation)")
_LOST = re.compile(
    r"Node failure on|Task launch for \S+ failed|Application launch failed|NODE[ _]FAIL"
)


@record(frozen=True)
class Slurm:
    """The cluster that Slurm's commands on this machine speak to.

    Further wishes (account, reservation, quality of service) go by Slurm's own `SLURM_*` variables. Inside an
    allocation the steps run in it, beside what else runs there, and its nodes are the fleet.
    """

    partition: str | None = None
    nodelist: str | None = None
    starter: tuple[str, ...] = START_HERE
    queue_seconds: int = 10
    """How long a step may wait for its GPUs before its node counts as busy."""

    def places(self) -> Sequence[Place]:
        """Return the nodes that `sinfo` knows. Raises `InputError` for other names, or where none is left."""
        wanted = self._wanted()
        found = _merge(_read_lines(self._ask_nodes(wanted)))
        faults = [
            f"--nodelist {self.nodelist}: Slurm knows no node {name}"
            + (f" in partition {self.partition}" if self.partition else "")
            for name in wanted
            if name not in found
        ]
        if faults:
            raise InputError(*faults)
        if not found:
            where = f"--partition {self.partition}" if self.partition else "--slurm"
            raise InputError(f"{where}: `sinfo` names no node")
        if _allocation():
            return [_reopened(place) for place in found.values()]
        return list(found.values())

    def run(self, program: Program, places: Sequence[Place]) -> Iterator[Outcome]:
        """Run one step per node; a node that failed on the way is asked about once more, for its reason."""
        name = f"stackcheck-{secrets.token_hex(4)}"
        commands = {place.name: self._step(program, place, name) for place in places}
        seconds = program.seconds + self.queue_seconds + _START_SECONDS
        running = True
        try:
            for ended in race(commands, seconds):
                if ended.status is None:
                    _cancel(name, ended.key)
                yield self._judge(ended, program)
            running = False
        finally:
            if running:
                _cancel(name)

    def _wanted(self) -> list[str]:
        listed = self.nodelist or os.environ.get("SLURM_JOB_NODELIST", "")
        if not listed:
            return []
        done = _ask("scontrol", "show", "hostnames", listed)
        if done.returncode:
            raise InputError(f"--nodelist {listed}: {_last_line(done.stderr)}")
        return list(dict.fromkeys(done.stdout.split()))

    def _ask_nodes(self, wanted: Sequence[str]) -> str:
        options = [f"--nodes={','.join(wanted)}"] if wanted else []
        options += [f"--partition={self.partition}"] if self.partition else []
        done = _ask("sinfo", "--noheader", "--Node", f"--format={_FORMAT}", *options)
        if done.returncode:
            raise Undeterminable(f"`sinfo` does not answer: {_last_line(done.stderr)}")
        return done.stdout

    def _step(self, program: Program, place: Place, name: str) -> list[str]:
        options = ["--overlap"]
        if not _allocation():
            options = [f"--partition={place.address}"] if place.address else []
            options += [f"--gres=gpu:{place.gpus}"] if place.gpus else []
            options += [f"--time={math.ceil((program.seconds + _START_SECONDS) / 60)}"]
        return [
            *("srun", "--nodes=1", "--ntasks=1", f"--nodelist={place.name}", f"--job-name={name}"),
            *(f"--immediate={self.queue_seconds}", "--input=none", "--mpi=none", "--quiet"),
            *options,
            *(*self.starter, *program.arguments),
        ]

    def _judge(self, ended: Ended, program: Program) -> Outcome:
        if ended.status is None:
            outcome = Outcome(
                ended.key, "timeout", None, ended.output, f"no end within {program.seconds:g} s"
            )
        elif _LOST.search(ended.error) and not ended.output.rstrip().endswith(b"}"):
            outcome = Outcome(ended.key, "down", ended.status, b"", _last_line(ended.error))
        elif ended.status and _REFUSED.search(ended.error):
            state: Refusal = "busy" if _BUSY.search(ended.error) else "not-started"
            outcome = Outcome(ended.key, state, ended.status, b"", _last_line(ended.error))
        else:
            return Outcome(ended.key, "ended", ended.status, ended.output, ended.error)
        return self._explained(outcome)

    def _explained(self, outcome: Outcome) -> Outcome:
        """Give the reason that Slurm has by now for a node that did not answer."""
        done = _ask(
            "sinfo", "--noheader", "--Node", f"--format={_FORMAT}", f"--nodes={outcome.place}"
        )
        place = _merge(_read_lines(done.stdout)).get(outcome.place)
        if place is None or place.closed != "down":
            return outcome
        return replace(outcome, state="down", detail=f"{place.reason} (while it was asked)")


def _cancel(job_name: str, node: str | None = None) -> None:
    """End the jobs of a run, whose `srun` was killed; the steps of our own allocation ended with it."""
    if not _allocation():
        _ask("scancel", "--quiet", f"--name={job_name}", *([f"--nodelist={node}"] if node else []))


def _allocation() -> bool:
    return bool(os.environ.get("SLURM_JOB_ID"))


def _reopened(place: Place) -> Place:
    """Return a node of our own allocation, which is taken by nobody else."""
    return replace(place, closed=None, reason="") if place.closed == "busy" else place


def _ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's commands. Raises `Undeterminable` where there is none, or no answer."""
    if shutil.which(arguments[0]) is None:
        raise Undeterminable(f"`{arguments[0]}` is not here; run it where Slurm's commands are")
    try:
        return subprocess.run(
            arguments,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Undeterminable(
            f"`{arguments[0]}` gave no answer in {_COMMAND_SECONDS:g} s"
        ) from error


def _read_lines(text: str) -> Iterator[tuple[bool, Place]]:
    """Yield a place for each line, and whether it is by the default partition."""
    for line in text.splitlines():
        parts = line.split("|", 5)
        if len(parts) < 6:
            continue
        name, partition, available, state, resources, reason = parts
        closed, why = _closure(state, reason)
        if closed is None and available != "up":
            closed, why = "not-started", f"partition {partition.rstrip('*')} is {available}"
        gpus = sum(int(count) for count in _GPUS.findall(resources))
        yield partition.endswith("*"), Place(name, gpus, closed, why, partition.rstrip("*"))


def _closure(state: str, reason: str) -> tuple[Refusal | None, str]:
    base = re.sub("[^a-z_]", "", state.lower())
    given = "" if reason.strip().lower() in ("none", "") else reason.strip()
    told = ": ".join(filter(None, (state, given)))
    if base in _DOWN or "*" in state:
        return "down", told
    if base in _ASLEEP or state.endswith(("~", "%", "!", "^")):
        return "not-started", told
    if base in _TAKEN:
        return "busy", told
    return None, ""


def _merge(lines: Iterator[tuple[bool, Place]]) -> dict[str, Place]:
    """Return one place per node: by a partition that is open, the default one first."""
    found: dict[str, tuple[tuple[bool, bool], Place]] = {}
    for default, place in lines:
        rank = (place.closed is None, default)
        if place.name not in found or rank > found[place.name][0]:
            found[place.name] = (rank, place)
    return {name: place for name, (_, place) in found.items()}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("srun: error: ") if lines else "no reason given"
