"""Slurm's own daemons on loopback: several nodes on one host, each with its own machine of `tests/machines`.

Every file lies in one directory, nothing listens but on 127.0.0.1, and the daemons run as whoever runs the tests.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["PROGRAMS", "SlurmCluster", "missing_programs"]

PROGRAMS = ("munged", "slurmctld", "slurmd", "sinfo", "srun", "scontrol", "scancel")
_PATIENCE = 30.0


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def missing_programs() -> list[str]:
    """Return what of Slurm and munge is not installed."""
    return [program for program in PROGRAMS if _find(program) is None]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class SlurmCluster:
    """Running daemons. `variables` makes Slurm's commands meet this cluster.

    `nodes` are the variables that each node's programs see, by node; each has `gpus` GPUs to give. With `wait` all
    are idle from the start.
    """

    def __init__(
        self,
        directory: Path,
        nodes: Mapping[str, Mapping[str, str]],
        gpus: Mapping[str, int],
        settings: Sequence[str] = (),
        *,
        wait: bool = True,
    ) -> None:
        self.directory = directory
        self.names = list(nodes)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._configuration = directory / "slurm.conf"
        self.variables = {"SLURM_CONF": str(self._configuration)}
        for name in ("spool", "state", "munge", "nodes", "devices"):
            (directory / name).mkdir()
        for name, variables in nodes.items():
            self.give(name, variables)
        self._configure(gpus, settings)
        try:
            self._start()
            if wait:
                self.wait_until_idle()
        except BaseException:
            self.stop()
            raise

    def give(self, node: str, variables: Mapping[str, str]) -> None:
        """Make the programs on a node see these variables from now on."""
        text = "".join(f"export {name}={value}\n" for name, value in variables.items())
        (self.directory / "nodes" / node).write_text(text, encoding="utf-8")

    def _configure(self, gpus: Mapping[str, int], settings: Sequence[str]) -> None:
        here, user = self.directory, getpass.getuser()
        control, *ports = _free_ports(1 + len(self.names))
        prolog = here / "task_prolog.sh"
        prolog.write_text(f'#!/bin/sh\ncat "{here}/nodes/$SLURMD_NODENAME"\n', encoding="utf-8")
        prolog.chmod(0o755)
        host = socket.gethostname().partition(".")[0]
        lines = [
            "ClusterName=stackcheck",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={control}",
            f"SlurmUser={user}",
            f"SlurmdUser={user}",
            "AuthType=auth/munge",
            f"AuthInfo=socket={here}/munge/socket",
            f"StateSaveLocation={here}/state",
            f"SlurmdSpoolDir={here}/spool/%n",
            f"SlurmctldPidFile={here}/slurmctld.pid",
            f"SlurmdPidFile={here}/slurmd.%n.pid",
            f"SlurmctldLogFile={here}/slurmctld.log",
            f"SlurmdLogFile={here}/slurmd.%n.log",
            f"TaskProlog={prolog}",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_Core",
            "AccountingStorageType=accounting_storage/none",
            "JobAcctGatherType=jobacct_gather/none",
            "SwitchType=switch/none",
            "MpiDefault=none",
            "ReturnToService=2",
            "SlurmdTimeout=6",
            "MessageTimeout=5",
            "KillWait=2",
            "SchedulerParameters=sched_interval=1,bf_interval=1",
            "TCPTimeout=2",
            "GresTypes=gpu",
            "SlurmdParameters=config_overrides",
            *settings,
        ]
        devices = []
        for name, port in zip(self.names, ports, strict=True):
            count = gpus.get(name, 0)
            gres = f" Gres=gpu:{count}" if count else ""
            lines.append(
                f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4{gres}"
            )
            for index in range(count):
                device = here / "devices" / f"{name}-{index}"
                device.touch()
                devices.append(f"NodeName={name} Name=gpu File={device}")
        lines.append(
            f"PartitionName=all Nodes={','.join(self.names)} Default=YES MaxTime=10 State=UP"
        )
        self._configuration.write_text("\n".join([*lines, ""]), encoding="utf-8")
        (here / "gres.conf").write_text("\n".join([*devices, ""]), encoding="utf-8")

    def _run(self, name: str, *arguments: str) -> None:
        program = _find(arguments[0]) or arguments[0]
        log = (self.directory / f"{name}.out").open("wb")
        with log:
            self.processes[name] = subprocess.Popen(
                [program, *arguments[1:]],
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _start(self) -> None:
        munge = self.directory / "munge"
        key = munge / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        options = [f"--{name}-file={munge}/{name}" for name in ("key", "pid", "log", "seed")]
        self._run(
            "munged", "munged", "--foreground", f"--socket={munge}/socket", *options, "--force"
        )
        self._wait((munge / "socket").exists, "munged's socket")
        self._run("slurmctld", "slurmctld", "-D")
        for name in self.names:
            self.start_node(name)

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        self._run(name, "slurmd", "-D", "-N", name)

    def command(self, *arguments: str) -> str:
        """Run one of Slurm's commands and return what it printed; empty where it failed."""
        done = subprocess.run(
            [_find(arguments[0]) or arguments[0], *arguments[1:]],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout if done.returncode == 0 else ""

    def states(self) -> dict[str, str]:
        """Return each node's state as `sinfo` words it."""
        lines = self.command("sinfo", "-h", "-N", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    def wait_until_idle(self) -> None:
        """Wait until every node is up and free."""
        self._wait(self._all_idle, "idle nodes")

    def is_running(self, word: str, node: str) -> bool:
        """Tell whether a program on the node has the word in its command line."""
        for process in self._programs(node):
            with suppress(OSError):
                if word.encode() in Path(f"/proc/{process}/cmdline").read_bytes():
                    return True
        return False

    def _programs(self, node: str) -> list[int]:
        """Return the processes of steps on a node, by the variables that Slurm gives them."""
        wanted = {f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self._configuration}".encode()}
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if wanted <= set(path.read_bytes().split(b"\0")):
                    found.append(int(path.parent.name))
        return found

    def _all_idle(self) -> bool:
        states = self.states()
        return len(states) == len(self.names) and set(states.values()) == {"idle"}

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not condition():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "\n".join(
                    f"{path.name}: {path.read_text(errors='replace')[-2000:]}"
                    for path in sorted(self.directory.glob("*.*"))
                    if path.suffix in (".log", ".out")
                )
                raise RuntimeError(f"Slurm did not come up: {what}; ended: {ended}\n{logs}")
            time.sleep(0.1)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds; raises `RuntimeError` where it never does."""
        self._wait(condition, what)

    def kill_node(self, name: str) -> None:
        """End a node as a power cut does: its daemon and every step and program on it, none of which says goodbye."""
        daemon = self.processes.pop(name)
        programs = self._programs(name)
        steps = {parent for parent in map(_parent, programs) if _is_step(parent)}
        for kind in (signal.SIGSTOP, signal.SIGKILL):
            for process in (daemon.pid, *steps, *programs):
                _signal(process, kind)
        daemon.wait()

    def stop(self) -> None:
        """End everything that was started, and what it started."""
        for name in [name for name in self.names if name in self.processes]:
            self.kill_node(name)
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _is_step(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip().startswith("slurmstepd")
    except OSError:
        return False


def _signal(process: int, kind: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, kind)
