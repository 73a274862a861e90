"""`stackcheck fleet`: many machines, one answer."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stackcheck.cli.fleet_manifest import manifest
from stackcheck.cli.fleet_smoke import train_smoke
from stackcheck.cli.options import JsonOption, WishFlags, find_misspelt, with_options
from stackcheck.cli.state import State, document_text, print_document
from stackcheck.diagnose.status import FAIL_ON
from stackcheck.errors import InputError
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.fleet.judgement import Probed
    from stackcheck.fleet.node import Node
    from stackcheck.fleet.sources import Fleet
    from stackcheck.model.machine import Machine

    Answer = TypeVar("Answer", Node, Probed | Node)

__all__ = ["FORMATS", "FleetFlags", "register"]

FORMATS = ("text", "json", "html")


@record(frozen=True)
class FleetFlags:
    """Which machines, and how they are asked."""

    slurm: Annotated[
        bool, typer.Option("--slurm", help="The nodes that `sinfo` names; one `srun` step on each.")
    ] = False
    partition: Annotated[
        str | None,
        typer.Option("--partition", metavar="NAME", help="With --slurm: only its nodes."),
    ] = None
    nodelist: Annotated[
        str | None,
        typer.Option("--nodelist", metavar="NODES", help="With --slurm: only these, `n[0-3],n7`."),
    ] = None
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="A Ray cluster: auto, HOST:PORT, or its dashboard http://HOST:8265 (no Ray needed here).",
        ),
    ] = None
    facts: Annotated[
        str | None,
        typer.Option(
            "--facts", metavar="DIR", help="Folder of facts files, one a node (`stackcheck probe`)."
        ),
    ] = None
    stackcheck: Annotated[
        str | None,
        typer.Option(
            "--stackcheck",
            metavar="COMMAND",
            help="How StackCheck is started on a node (--slurm: as here; --ray: the nodes' own Python).",
        ),
    ] = None
    env: Annotated[
        str | None,
        typer.Option("--env", metavar="PREFIX", help="Python environment to look at on each node."),
    ] = None
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="S", min=1, help="Seconds that a node may take.")
    ] = 60.0

    def open(self) -> Fleet:
        """Return the nodes. Raises `InputError` for what is missing or contradicts."""
        from stackcheck.fleet.sources import open_fleet, open_transport

        if not math.isfinite(self.timeout):
            raise InputError(f"--timeout {self.timeout}: a number of seconds is needed")
        transport = open_transport(
            self.slurm,
            self.ray,
            partition=self.partition,
            nodelist=self.nodelist,
            starter=self.stackcheck,
        )
        return open_fleet(self.facts, transport, self.timeout, self.env)


def _watched(answers: Iterator[Answer], count: int, state: State) -> Iterator[Answer]:
    """Hand the answers on, with a bar where a person watches, and a line each for those who ask for more."""
    if not sys.stderr.isatty() or state.quiet:
        for answer in answers:
            if state.verbose:
                state.hint(f"{answer.name}: {getattr(answer, 'state', 'answered')}")
            yield answer
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        *(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
        ),
    )
    counts: Counter[str] = Counter()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("nodes", total=count, told="")
        for answer in answers:
            counts[getattr(answer, "state", "answered")] += 1
            told = ", ".join(f"{number} {word}" for word, number in counts.most_common())
            bar.update(task, advance=1, told=told)
            yield answer


@record(frozen=True)
class ReportFlags:
    """How strictly, and what to print."""

    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FILE",
            help="Warn where nodes differ from FILE: a probed machine, or ranges.",
        ),
    ] = None
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", metavar="|".join(FAIL_ON), help="From what on it ends with 1 (unknown: 3)."
        ),
    ] = "error"
    format: Annotated[
        str | None, typer.Option("--format", metavar="|".join(FORMATS), help="What to print.")
    ] = None
    json: JsonOption = False
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Write the report to FILE.")
    ] = None

    def checked_format(self) -> str:
        """Return the format to print. Raises `InputError` with everything that does not go together."""
        faults = find_misspelt(("--format", self.format, FORMATS))
        if self.json and self.format not in (None, "json"):
            faults.append(f"--json contradicts --format {self.format}")
        faults += find_misspelt(("--fail-on", self.fail_on, FAIL_ON))
        if faults:
            raise InputError(*faults)
        return "json" if self.json else self.format or "text"


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        name="fleet",
        help="Many machines: doctor, plan, train-smoke, manifest, health-check.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("doctor")(doctor)
    group.command("plan")(plan)
    group.command("train-smoke")(train_smoke)
    group.command("manifest")(manifest)
    group.command("health-check")(health_check)
    app.add_typer(group)


@with_options(fleet=FleetFlags, report=ReportFlags)
def doctor(context: typer.Context, *, fleet: FleetFlags, report: ReportFlags) -> None:
    """Ask every node, judge it, and name what differs. Every known node has a row, whatever became of it.

    Ends with 1 if a node is down, does not answer or has an error, else 3 if one could not be judged.
    """
    from stackcheck.cli.report import deliver
    from stackcheck.fleet.drift import find_drift
    from stackcheck.fleet.node import facts_of
    from stackcheck.fleet.verdict import fleet_exit_status, fleet_status
    from stackcheck.model.machine import Machine

    state: State = context.obj
    form = report.checked_format()
    expected = None
    if report.expect is not None:
        from stackcheck.probe.expectation_file import read_expectation

        expected = read_expectation(Path(report.expect))
    nodes_there = fleet.open()
    matrices = Path(state.matrices) if state.matrices else None
    nodes = list(_watched(nodes_there.rows(matrices, expected), nodes_there.count, state))
    from stackcheck.render.node_names import natural_key

    nodes.sort(key=lambda node: natural_key(node.name))
    drift = find_drift(nodes, facts_of(expected) if isinstance(expected, Machine) else None)
    status = fleet_status(nodes, drift)
    if form == "json":
        from stackcheck.render.fleet import fleet_document

        text = document_text("fleet-doctor", fleet_document(nodes, drift, status))
    elif form == "html":
        from stackcheck.render.fleet_page import render_fleet_page

        text = render_fleet_page(nodes, drift, status)
    else:
        from stackcheck.render.fleet import render_fleet

        text = render_fleet(nodes, drift)
    deliver(text, report.output)
    raise typer.Exit(fleet_exit_status(nodes, drift, report.fail_on))


@with_options(fleet=FleetFlags, wishes=WishFlags)
def plan(
    context: typer.Context,
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="As for `resolve`.")],
    *,
    fleet: FleetFlags,
    wishes: WishFlags,
    json: JsonOption = False,
) -> None:
    """One environment that holds on every node, or the fewest that cover all of them."""
    from stackcheck.cli.requirements import gather_requirements
    from stackcheck.fleet.node import Node
    from stackcheck.fleet.planning import plan_fleet
    from stackcheck.render.fleet import plans_document, print_plans
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    knowledge = state.knowledge()
    requirements, wishes = gather_requirements(specs, (), wishes, knowledge)
    asked = read_wishes(
        wishes.python, wishes.cuda, wishes.channel, wishes.prefer, wishes.exclude_newer
    )
    nodes = fleet.open()
    unanswered: list[Node] = []

    def machines() -> Iterator[tuple[str, Machine]]:
        for answer in _watched(nodes.answers(), nodes.count, state):
            if isinstance(answer, Node):
                unanswered.append(answer)
            else:
                yield answer.name, answer.machine

    planned = plan_fleet(requirements, machines(), knowledge, asked)
    if json:
        document = plans_document(planned, unanswered)
        print_document("fleet-plan", {**document, "knowledge": state.horizon(knowledge)})
    else:
        print_plans(planned, unanswered, state.console())
    if any(group.resolution.status == "impossible" for group in planned.groups):
        raise typer.Exit(1)
    unknown = any(group.resolution.plan is None for group in planned.groups)
    raise typer.Exit(3 if unknown or unanswered else 0)


def health_check(
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Write to FILE, and let it be run."),
    ] = None,
) -> None:
    """Print the script for Slurm's HealthCheckProgram, which drains a node with `doctor --format reason`."""
    import shlex
    from importlib.resources import files

    from stackcheck.cli.report import deliver

    text = (files("stackcheck.fleet") / "health_check.sh").read_text("utf-8")
    deliver(text.replace("@STACKCHECK@", shlex.quote(f"{sys.executable} -m stackcheck")), output)
    if output not in (None, "-"):
        path = Path(str(output))
        path.chmod(path.stat().st_mode | 0o111)
