"""`stackcheck fleet`: many machines, one answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from stackcheck.cli.fleet_smoke import train_smoke
from stackcheck.cli.options import JsonOption, WishFlags, with_options
from stackcheck.cli.state import State, print_document
from stackcheck.errors import InputError

__all__ = ["register"]

FactsOption = Annotated[
    str | None,
    typer.Option(
        "--facts", metavar="DIR", help="Folder of facts files, one a node (`stackcheck probe`)."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        name="fleet",
        help="Many machines: doctor, plan, train-smoke.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("doctor")(doctor)
    group.command("plan")(plan)
    group.command("train-smoke")(train_smoke)
    for name in ("manifest",):
        group.command(name, hidden=True, context_settings=_ANYTHING)(_not_yet(name))
    app.add_typer(group)


_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


def _not_yet(name: str) -> Callable[[], None]:
    def run() -> None:
        """Not there yet."""
        raise InputError(
            f"`stackcheck fleet {name}` is not there yet; `fleet doctor` and `fleet plan` are"
        )

    return run


def _require_facts(facts: str | None) -> Path:
    if facts is None:
        raise InputError(
            "name the nodes: --facts DIR with a file of each (`stackcheck probe --output FILE`);"
            " --slurm and --ray are not there yet"
        )
    return Path(facts)


def doctor(context: typer.Context, *, facts: FactsOption = None, json: JsonOption = False) -> None:
    """Judge every node and name what differs. Exit status: 1 if any node is not well, else 3 if any is unknown."""
    from stackcheck.fleet.drift import find_drift
    from stackcheck.fleet.files import list_files, read_nodes
    from stackcheck.render.fleet import fleet_document, print_fleet

    state: State = context.obj
    nodes = tuple(read_nodes(list_files(_require_facts(facts)), state.knowledge()))
    drift = find_drift(nodes)
    bad = any(
        node.state not in ("ok", "findings")
        or any(each.severity == "error" for each in node.findings)
        for node in nodes
    )
    if json:
        print_document("fleet-doctor", fleet_document(nodes, drift, "error" if bad else "ok"))
    else:
        print_fleet(nodes, drift, state.console())
    raise typer.Exit(int(bad))


@with_options(wishes=WishFlags)
def plan(
    context: typer.Context,
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="As for `resolve`.")],
    *,
    facts: FactsOption = None,
    wishes: WishFlags,
    json: JsonOption = False,
) -> None:
    """One environment that holds on every node, or the fewest that cover all of them."""
    from stackcheck.cli.requirements import gather_requirements
    from stackcheck.fleet.files import list_files
    from stackcheck.fleet.planning import plan_fleet
    from stackcheck.probe.facts_file import probe_facts_file
    from stackcheck.render.fleet import plans_document, print_plans
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    knowledge = state.knowledge()
    requirements, wishes = gather_requirements(specs, (), wishes, knowledge)
    asked = read_wishes(
        wishes.python, wishes.cuda, wishes.channel, wishes.prefer, wishes.exclude_newer
    )
    machines = [(path.stem, probe_facts_file(path)) for path in list_files(_require_facts(facts))]
    groups = plan_fleet(requirements, machines, knowledge, asked)
    if json:
        print_document(
            "fleet-plan", {**plans_document(groups), "knowledge": state.horizon(knowledge)}
        )
    else:
        print_plans(groups, state.console())
    raise typer.Exit(int(any(group.resolution.plan is None for group in groups)))
