"""`stackcheck fleet train-smoke`: train over several ranks, and name the one that fails."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from stackcheck.cli.options import JsonOption, find_misspelt, with_options
from stackcheck.cli.state import State, print_document
from stackcheck.errors import InputError
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.fleet.ranks.launchers import Launcher

__all__ = ["RankFlags", "train_smoke"]

_LIBRARIES = ("torch", "stackgrad")
_DEVICES = ("auto", "cpu", "cuda")
_BACKENDS = ("auto", "nccl", "gloo", "mpi")


@record(frozen=True)
class RankFlags:
    """Where the ranks run, and what they run."""

    ranks: Annotated[
        int | None,
        typer.Option(
            "--ranks", metavar="N", min=1, help="How many ranks train together, one per GPU."
        ),
    ] = None
    local_ranks: Annotated[
        int,
        typer.Option(
            "--local-ranks",
            metavar="N",
            min=1,
            help="Under a launcher that sets WORLD_SIZE: how many ranks this process starts.",
        ),
    ] = 1
    slurm: Annotated[bool, typer.Option("--slurm", help="Start them by srun, one task a rank.")] = (
        False
    )
    partition: Annotated[
        str | None, typer.Option("--partition", metavar="NAME", help="Of Slurm.")
    ] = None
    nodelist: Annotated[
        str | None, typer.Option("--nodelist", metavar="LIST", help="Nodes, as Slurm writes them.")
    ] = None
    nodes: Annotated[
        int | None,
        typer.Option(
            "--nodes", metavar="N", min=1, help="With --slurm: over how many nodes to spread them."
        ),
    ] = None
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="ADDRESS", help="Start them on a Ray cluster."),
    ] = None
    mpi: Annotated[
        bool, typer.Option("--mpi", help="Start them by mpiexec, on this machine or --hosts.")
    ] = False
    hosts: Annotated[
        str | None, typer.Option("--hosts", metavar="LIST", help="Hosts for mpiexec, by comma.")
    ] = None
    env: Annotated[
        str | None,
        typer.Option(
            "--env", metavar="PREFIX", help="Environment with PyTorch, at this path on every node."
        ),
    ] = None
    library: Annotated[
        str | None,
        typer.Option(
            "--library",
            metavar="|".join(_LIBRARIES),
            help="What trains: torch with --env, else stackgrad.",
        ),
    ] = None
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="|".join(_DEVICES),
            help="Where each rank computes; a scheduler is asked for a GPU a rank where it has any.",
        ),
    ] = "auto"
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="|".join(_BACKENDS),
            help="Collectives; auto: NCCL on GPUs, else gloo (torch) or MPI.",
        ),
    ] = "auto"
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, help="Steps to train together.")
    ] = 20
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="S", min=1.0, help="Seconds without a word until it is ended."
        ),
    ] = 30.0
    json: JsonOption = False

    def find_faults(self) -> list[str]:
        """Return one line for each thing that is misspelt or does not go together."""
        faults = find_misspelt(
            ("--library", self.library, _LIBRARIES),
            ("--device", self.device, _DEVICES),
            ("--backend", self.backend, _BACKENDS),
        )
        launchers = [
            flag
            for flag, given in (("--slurm", self.slurm), ("--ray", self.ray), ("--mpi", self.mpi))
            if given
        ]
        if len(launchers) > 1:
            faults.append(f"{' and '.join(launchers)}: choose one way to start the ranks")
        if (self.partition or self.nodelist or self.nodes) and not self.slurm:
            faults.append("--partition, --nodelist and --nodes belong to --slurm")
        if self.hosts and not self.mpi:
            faults.append("--hosts belongs to --mpi")
        if self.ranks is None and (launchers or not _is_member()):
            faults.append("--ranks N: how many ranks should train together?")
        if self.local_ranks > 1 and self.ranks is not None:
            faults.append("--local-ranks belongs to a launcher that sets RANK and WORLD_SIZE")
        return faults


def _is_member() -> bool:
    """Whether somebody else has started this process as one rank of several."""
    index = "RANK" in os.environ or "JOB_COMPLETION_INDEX" in os.environ
    return index and "WORLD_SIZE" in os.environ


@with_options(flags=RankFlags)
def train_smoke(context: typer.Context, *, flags: RankFlags) -> None:
    """Train on several ranks together: sums, gradients and weights against known answers; names the rank that fails.

    Under a launcher that sets RANK and WORLD_SIZE (torchrun, Kubernetes) each process is one rank. Ends with 0 if all
    ranks are right, 1 if not.
    """
    state: State = context.obj
    if faults := flags.find_faults():
        raise InputError(*faults)
    from stackcheck.fleet.ranks.launchers import Member, make_request
    from stackcheck.fleet.ranks.session import train_ranks
    from stackcheck.render.ranks import print_ranks, ranks_document, show_ranks

    library = flags.library or ("torch" if flags.env else "stackgrad")
    python = sys.executable
    if flags.env is not None or library == "torch":
        from stackcheck.smoke.interpreter import find_interpreter

        python = find_interpreter(flags.env or sys.executable, [library]).executable
    launcher: Launcher
    request = make_request(library, flags.device, flags.backend, flags.steps, flags.timeout)
    if flags.ranks is None:
        member = Member(flags.local_ranks)
        launcher, world = member, member.world
    else:
        launcher, world = _choose_launcher(flags), flags.ranks
    # ended by a scheduler it takes its ranks along, as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with show_ranks(quiet=state.quiet, no_color=state.no_color) as listener:
        report = train_ranks(launcher, world, python, request, flags.timeout, listener)
    if flags.json:
        print_document("fleet-train-smoke", ranks_document(report))
    else:
        print_ranks(report, state.console())
    raise typer.Exit(int(report.status != "ok"))


def _choose_launcher(flags: RankFlags) -> Launcher:
    from stackcheck.fleet.ranks.launchers import Local, Mpi, Ray, Slurm

    if flags.slurm:
        return Slurm(flags.partition, flags.nodelist, flags.nodes)
    if flags.ray is not None:
        return Ray(flags.ray)
    if flags.mpi:
        return Mpi(flags.hosts)
    return Local()
