"""`stackcheck create-env`: resolve, write the files, make the environment, prove it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackcheck.cli.environment_flags import EnvironmentFlags
from stackcheck.cli.options import JsonOption, MachineFlags, WishFlags, with_options
from stackcheck.cli.state import State, print_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackcheck.environments.recipe import Recipe
    from stackcheck.environments.tools import Tools
    from stackcheck.environments.verification import Proof
    from stackcheck.model.machine import Machine
    from stackcheck.model.plan import Resolution

__all__ = ["register"]

_STATUS = {"impossible": 1, "unknown": 3}
_SIGNS = {"ok": "ok      ", "warning": "warning ", "error": "error   ", "unknown": "unknown "}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("create-env")(run)


@with_options(machine=MachineFlags, wishes=WishFlags, wanted=EnvironmentFlags)
def run(
    context: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(metavar="SPEC...", help="NAME[+BUILD][SPECIFIER], as pytorch>=2.4"),
    ] = None,
    *,
    machine: MachineFlags,
    wishes: WishFlags,
    wanted: EnvironmentFlags,
    requirements_file: Annotated[
        list[str] | None,
        typer.Option("-r", metavar="FILE", help="Requirements, pyproject, environment file."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make an environment that holds on the machine, and prove it.

    Exit status: 0 made and verified (or made, with --no-verify), 1 not made or not holding, 3 made and kept, but not to
    be verified here, as a GPU build where there is no GPU; or no plan since what decides is unknown.

    Mirrors, proxies and credentials are those of the tools: uv's UV_DEFAULT_INDEX, UV_INDEX (the name of an index,
    as pytorch-cu128=URL, puts a mirror in its place), UV_FIND_LINKS (a wheel of exactly the plan's version in such a
    folder needs no index; pip's own configuration is read by --installer pip alone) and uv.toml; conda's .condarc
    and CONDA_CHANNEL_ALIAS; pixi's config.toml; HTTPS_PROXY and SSL_CERT_FILE.
    """
    from stackcheck.cli.machines import find_machines
    from stackcheck.cli.requirements import gather_requirements
    from stackcheck.environments.planning import resolve_for
    from stackcheck.resolve.wishes import read_wishes

    state: State = context.obj
    _refuse_contradictions(wanted)
    knowledge = state.knowledge()
    requirements, asked = gather_requirements(
        specs or (), requirements_file or (), wishes, knowledge
    )
    machines = find_machines(machine, knowledge, state)
    resolution = resolve_for(
        requirements,
        machines,
        knowledge,
        read_wishes(asked.python, asked.cuda, asked.channel, asked.prefer, asked.exclude_newer),
        installer=wanted.installer,
        kinds=wanted.kinds,
        bundle=Path(wanted.bundle) if wanted.bundle else None,
    )
    document: dict[str, Any] = {
        "status": resolution.status,
        "prefix": None,
        "files": [],
        "installer": wanted.installer,
        "plan": None,
        "verified": [],
        "seconds": 0.0,
        "knowledge": state.horizon(knowledge),
    }
    if resolution.plan is None:
        _tell_causes(resolution, state, document if json else None)
        raise typer.Exit(_STATUS.get(resolution.status, 1))
    try:
        _carry_out(wanted, resolution, machines, state, document)
    finally:
        if json and document["plan"] is not None:
            print_document("create-env", document)
    if not json:
        _print_result(document, state)
    if wanted.verify and document["status"] == "unverified":
        state.hint(
            "what it could not look at here is unknown; `stackcheck check --env` there tells"
        )
        raise typer.Exit(_STATUS["unknown"])


def _refuse_contradictions(wanted: EnvironmentFlags) -> None:
    from stackcheck.environments.files import KINDS
    from stackcheck.environments.installers.choice import INSTALLERS
    from stackcheck.errors import InputError

    faults = [
        f"--write {kind}: there are {', '.join(KINDS)}"
        for kind in wanted.kinds
        if kind not in KINDS
    ]
    if wanted.installer not in ("auto", "none", *INSTALLERS):
        known = ", ".join(("auto", *INSTALLERS, "none"))
        faults.append(f"--installer {wanted.installer}: there are {known}")
    for flag, value in (("-n", wanted.name), ("-p", wanted.prefix), ("--bundle", wanted.bundle)):
        if value is not None and not value.strip():
            faults.append(f"{flag}: is empty; perhaps a variable that is not set")
    if wanted.name and wanted.prefix:
        faults.append("-n and -p exclude each other: a name or a directory")
    if wanted.name and ("/" in wanted.name or wanted.name in (".", "..")):
        faults.append(f"-n {wanted.name}: a name has no slash; give a directory by -p")
    if wanted.smoke and not wanted.verify:
        faults.append("--smoke contradicts --no-verify; leave one out")
    if faults:
        raise InputError(*faults)


def _tell_causes(resolution: Resolution, state: State, document: dict[str, Any] | None) -> None:
    from stackcheck.render.plan import print_resolution, resolution_document

    if document is not None:
        print_document("create-env", {**document, **resolution_document(resolution)})
    else:
        print_resolution(resolution, state.console())


def _carry_out(
    wanted: EnvironmentFlags,
    resolution: Resolution,
    machines: Sequence[Machine],
    state: State,
    document: dict[str, Any],
) -> None:
    """Do what was asked for, and fill in the document on the way."""
    from stackcheck.environments.creation import sweep
    from stackcheck.environments.directories import environments_directory
    from stackcheck.environments.planning import default_name, make_recipe, suits_this_machine
    from stackcheck.environments.tools import Tools
    from stackcheck.errors import InputError
    from stackcheck.render.plan import plan_document

    plan = resolution.plan
    if plan is None:
        return
    name = wanted.name or (Path(wanted.prefix).name if wanted.prefix else default_name(plan))
    prefix = Path(wanted.prefix) if wanted.prefix else environments_directory() / name
    prefix = prefix.expanduser().absolute()
    additions = [*(wanted.additions or ()), *(["numpy"] if wanted.smoke else [])]  # its data format
    recipe = make_recipe(plan, name, str(prefix), additions)
    document.update(status="error", plan=plan_document(plan))  # until it is done
    tools = Tools(quiet=state.quiet, offline=state.offline)
    for sentence in sweep():
        state.hint(sentence)
    if wanted.installer != "none" and not suits_this_machine(plan):
        raise InputError(
            f"the plan is for {plan.platform}, which this machine is not; use `--installer none` with "
            "`--write`, and create the environment there"
        )
    if wanted.dry_run:
        _show_dry_run(wanted, recipe, tools, document)
        return
    _write_files(wanted, recipe, tools, document)
    if wanted.installer != "none":
        _make(wanted, recipe, tools, machines, state, document)
    elif wanted.bundle:
        from stackcheck.environments.bundling import fill_bundle

        fill_bundle(Path(wanted.bundle).absolute(), recipe, tools)
        document["files"].append(wanted.bundle)
    if wanted.installer == "none":
        document["status"] = "written"


def _write_files(
    wanted: EnvironmentFlags, recipe: Recipe, tools: Tools, document: dict[str, Any]
) -> None:
    from stackcheck.environments.files import LOCKS, place, render, write_atomically
    from stackcheck.environments.locking import lock

    texts: dict[str, str] = {}
    for kind in wanted.written_kinds:
        texts.update(
            {LOCKS[kind]: lock(recipe, kind, tools)} if kind in LOCKS else render(recipe, kind)
        )
    output = Path(wanted.output) if wanted.output else None
    for name, path in place(texts, output).items():
        write_atomically(path, texts[name])
        document["files"].append(str(path))


def _show_dry_run(
    wanted: EnvironmentFlags, recipe: Recipe, tools: Tools, document: dict[str, Any]
) -> None:
    """List what would be fetched with its size, without an installer only what would be written."""
    from stackcheck.environments.credentials import without_credentials
    from stackcheck.environments.fetching import conda_artifacts, list_conda, list_wheels
    from stackcheck.environments.files import LOCKS, WRITERS, place
    from stackcheck.environments.installers.choice import choose
    from stackcheck.environments.sizes import measure

    names = [LOCKS[kind] if kind in LOCKS else WRITERS[kind][0] for kind in wanted.written_kinds]
    output = Path(wanted.output) if wanted.output else None
    document.update(
        status="dry-run", would_write=[str(path) for path in place(names, output).values()]
    )
    if wanted.installer == "none":
        return
    document.update(prefix=recipe.prefix, installer=choose(wanted.installer, recipe.packages).name)
    found = (*list_wheels(recipe, tools), *conda_artifacts(list_conda(recipe, tools)))
    artifacts = measure(found, offline=tools.offline)
    document["would_fetch"] = [
        {"name": each.name, "version": each.version, "bytes": each.size}
        | {"address": without_credentials(each.place)}
        for each in artifacts
    ]


def _make(
    wanted: EnvironmentFlags,
    recipe: Recipe,
    tools: Tools,
    machines: Sequence[Machine],
    state: State,
    document: dict[str, Any],
) -> None:
    from dataclasses import replace

    from stackcheck.environments.bundling import fill_bundle, is_bundle, matches
    from stackcheck.environments.guard import UNGUARDED
    from stackcheck.environments.header import describe
    from stackcheck.environments.installers.choice import choose
    from stackcheck.environments.making import DoesNotHold, make
    from stackcheck.errors import InputError

    installer = choose(wanted.installer, recipe.packages)
    document["installer"] = installer.name
    if (
        not wanted.yes
        and sys.stdin.isatty()
        and not typer.confirm(
            f"{describe(recipe.plan)} in {recipe.prefix} by {installer.name}?",
            default=True,
            err=True,
        )
    ):
        raise InputError("not confirmed; nothing was made")
    if wanted.bundle:
        folder = Path(wanted.bundle).absolute()
        if not is_bundle(folder):
            fill_bundle(folder, recipe, tools)
        elif not matches(folder, recipe):
            raise InputError(
                f"--bundle {folder}: it was made for another plan; give another folder"
            )
        tools = replace(tools, bundle=folder)
    state.hint(f"making {recipe.prefix} by {installer.name}: {describe(recipe.plan)}")
    try:
        made = make(recipe, installer, tools, proving=wanted.verify, has_gpu=_has_gpu(machines))
    except DoesNotHold as failure:
        document.update(status="error", verified=_proofs(failure.verification.proofs))
        raise
    verified = made.verification
    complete = verified is not None and verified.is_complete
    document.update(
        status="ok" if complete else "unverified",
        prefix=str(made.prefix),
        verified=_proofs(verified.proofs) if verified else [],
        seconds=round(made.seconds, 2),
        verification_seconds=round(made.verification_seconds, 2),
        unguarded=list(UNGUARDED),
    )
    document["files"] += [
        str(path) for path in sorted((made.prefix / ".stackcheck").iterdir()) if path.is_file()
    ]
    if wanted.smoke:
        _smoke(made.prefix, recipe, document)


def _has_gpu(machines: Sequence[Machine]) -> bool | None:
    """Whether this machine was probed and has a GPU; None if it was not, or the probe could not tell."""
    if len(machines) != 1 or machines[0].origin != "probe":
        return None
    gpus = machines[0].gpus
    return bool(gpus.peek()) if gpus.state != "unknown" else None


def _proofs(proofs: Sequence[Proof]) -> list[dict[str, str]]:
    return [vars(proof) for proof in proofs]


def _smoke(prefix: Path, recipe: Recipe, document: dict[str, Any]) -> None:
    """Run `train-smoke` against every framework of the environment, in a process of its own."""
    import subprocess

    from stackcheck.errors import StackCheckError

    against = [word for build in recipe.plan.builds for word in ("--against", build.framework)]
    command = [sys.executable, "-m", "stackcheck", "train-smoke", "--level", "quick"]
    done = subprocess.run(
        [*command, "--env", str(prefix), *against], stdout=sys.stderr, check=False
    )
    document["verified"].append(
        {
            "what": "train-smoke",
            "status": {0: "ok", 2: "unknown", 3: "unknown"}.get(done.returncode, "error"),
            "message": f"exit status {done.returncode}",
        }
    )
    if done.returncode in (2, 3):
        document["status"] = "unverified"
    elif done.returncode:
        document["status"] = "error"
        raise StackCheckError(f"{prefix}: train-smoke does not hold in it; the environment is kept")


def _print_result(document: dict[str, Any], state: State) -> None:
    from stackcheck.environments.preflight import format_bytes

    console = state.console()
    plan = document["plan"]
    builds = ", ".join(
        f"{each['framework']} {each['version']}+{each['build']}" for each in plan["builds"]
    )
    console.print(f"{builds}, Python {plan['python']}", markup=False)
    for need in plan["machine"]:
        console.print(f"  machine: {need}", markup=False)
    for path in document.get("would_write", ()):
        console.print(f"would write {path}", markup=False)
    fetched = document.get("would_fetch", ())
    for each in fetched:
        size = format_bytes(each["bytes"]) if each["bytes"] else "size unknown"
        console.print(f"would fetch {each['name']} {each['version']}  {size}", markup=False)
    if fetched:
        total = sum(each["bytes"] or 0 for each in fetched)
        console.print(f"would fetch {len(fetched)} packages, {format_bytes(total)}", markup=False)
    for proof in document["verified"]:
        console.print(
            f"  {_SIGNS[proof['status']]}{proof['what']}: {proof['message']}", markup=False
        )
    for path in document["files"]:
        console.print(f"wrote {path}", markup=False)
    if document["prefix"] and document["status"] != "dry-run":
        console.print(
            f"made {document['prefix']} in {document['seconds']} s by {document['installer']}",
            markup=False,
        )
        quoted = shlex.quote(document["prefix"])
        state.hint(f'activate it: eval "$(stackcheck env activate {quoted})"')
