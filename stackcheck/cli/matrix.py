"""`stackcheck matrix`: the knowledge, and its check against the package index."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from stackcheck.cli.options import JsonOption
from stackcheck.cli.state import State, print_document
from stackcheck.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        name="matrix",
        help="The knowledge: list, show, lint, audit, refresh.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_tables)
    group.command("show")(show)
    group.command("lint")(lint)
    group.command("audit")(audit)
    group.command("refresh")(refresh)
    app.add_typer(group)


def list_tables(context: typer.Context, *, json: JsonOption = False) -> None:
    """List the tables, with the date and size of each."""
    from stackcheck.render.rows import count_rows

    state: State = context.obj
    knowledge = state.knowledge()
    counts = count_rows(knowledge)
    if json:
        print_document("matrix-list", {"as_of": knowledge.as_of.isoformat(), "tables": counts})
        return
    typer.echo(f"knowledge of {knowledge.as_of}")
    for name, count in counts.items():
        typer.echo(f"  {name:<16}{count:>6} rows")


def show(
    context: typer.Context,
    table: Annotated[
        str,
        typer.Argument(
            help="A framework, or cuda, drivers, architectures, gpus, libraries, quirks."
        ),
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Show one table: a framework's builds with their evidence, or one of NVIDIA's tables."""
    from stackcheck.render.rows import TABLES, print_rows, table_document

    state: State = context.obj
    knowledge = state.knowledge()
    name = knowledge.name(table)
    key = name.framework if name else table
    if key not in TABLES and key not in knowledge.frameworks:
        known = ", ".join((*knowledge.frameworks, *TABLES))
        raise InputError(f"{table!r} is no table; there are {known}")
    if json:
        print_document("matrix-show", table_document(key, knowledge))
    else:
        print_rows(key, knowledge, state.console())


def lint(
    context: typer.Context,
    directory: Annotated[
        str | None,
        typer.Argument(metavar="[DIR]", help="Matrices to check; the shipped ones if left out."),
    ] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Check the rows: schema, order, overlap, references, evidence. Every fault at once."""
    from stackcheck.knowledge.lint import lint as find_faults

    state: State = context.obj
    place = directory or state.matrices
    faults = find_faults(Path(place) if place else None)
    if json:
        print_document("matrix-lint", {"status": "error" if faults else "ok", "faults": faults})
    else:
        for fault in faults:
            typer.echo(fault)
        typer.echo(f"{len(faults)} faults" if faults else "the matrices are well", err=bool(faults))
    raise typer.Exit(int(bool(faults)))


def audit(
    context: typer.Context,
    frameworks: Annotated[
        list[str] | None, typer.Argument(metavar="[FRAMEWORK]...", help="All of them if left out.")
    ] = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Open every wheel, not only what is new.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compare the rows with the package index and the wheels. Exit status: 1 a difference, 3 unreachable."""
    from stackcheck.binary.index import PackageIndex
    from stackcheck.knowledge.audit import audit as compare

    state: State = context.obj
    state.hint("reading the package index")
    index = PackageIndex(offline=state.offline)
    report = compare(
        state.knowledge(), frameworks=_names(frameworks, state), full=full, index=index
    )
    if json:
        print_document(
            "matrix-audit",
            {
                "status": report.status,
                "differences": [asdict(each) for each in report.differences],
                "checked": report.checked,
                "opened": report.opened,
                "unreachable": list(report.unreachable),
            },
        )
    else:
        for each in report.differences:
            typer.echo(f"{each.row}: {each.field}: ours {each.ours}, theirs {each.theirs}")
        for place in report.unreachable:
            typer.echo(f"unreachable: {place}")
        typer.echo(
            f"{report.checked} rows compared, {report.opened} wheels opened,"
            f" {len(report.differences)} differences, {len(report.unreachable)} unreachable"
        )
    raise typer.Exit({"ok": 0, "error": 1, "unknown": 3}[report.status])


def refresh(
    context: typer.Context,
    frameworks: Annotated[
        list[str] | None, typer.Argument(metavar="[FRAMEWORK]...", help="All of them if left out.")
    ] = None,
    *,
    into: Annotated[
        str | None,
        typer.Option(
            "--into", metavar="DIR", help="A checkout's matrices; the overlay if left out."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write rows for releases newer than the knowledge, for review."""
    from stackcheck.binary.index import PackageIndex
    from stackcheck.knowledge.refresh import refresh as write
    from stackcheck.knowledge.source import user_directory

    state: State = context.obj
    state.hint("reading the package index")
    result = write(
        state.knowledge(),
        frameworks=_names(frameworks, state),
        directory=Path(into) if into else user_directory(),
        index=PackageIndex(offline=state.offline),
    )
    if json:
        content = {"files": [str(path) for path in result.files], "releases": result.releases}
        print_document("matrix-refresh", {**content, "unreachable": result.unreachable})
    else:
        for release in result.releases:
            typer.echo(f"new: {release}")
        for path in result.files:
            typer.echo(f"wrote {path}: review it, then `stackcheck matrix lint`")
        for place in result.unreachable:
            typer.echo(f"unreachable: {place}")
        if not (result.releases or result.unreachable):
            typer.echo("nothing newer than the knowledge")
    raise typer.Exit(3 if result.unreachable else 0)


def _names(texts: list[str] | None, state: State) -> list[str] | None:
    """Return the frameworks that names stand for. Raises `InputError` for any that is none."""
    if not texts:
        return None
    knowledge = state.knowledge()
    found = [(text, knowledge.name(text)) for text in texts]
    if strange := [f"{text!r} is no framework" for text, name in found if name is None]:
        raise InputError(*strange)
    return [name.framework for _, name in found if name is not None]
