"""`stackcheck doctor`: probe, diagnose, report."""

from __future__ import annotations

import math
import shutil
import sys
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackcheck.cli.options import JsonOption, find_misspelt, with_options
from stackcheck.cli.report import deliver
from stackcheck.diagnose.status import FAIL_ON, exit_status
from stackcheck.errors import InputError
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.cli.state import State
    from stackcheck.model.diagnosis import Diagnosis
    from stackcheck.model.expectation import Expectation
    from stackcheck.model.machine import Machine

__all__ = ["FORMATS", "DoctorFlags", "doctor", "register"]

FORMATS = ("text", "json", "markdown", "html", "junit", "github", "reason", "prometheus")


@record(frozen=True)
class DoctorFlags:
    """What to judge, how strictly, and what to print."""

    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="PREFIX", help="Only rules whose code or layer starts so; repeatable."
        ),
    ] = None
    skip: Annotated[
        list[str] | None,
        typer.Option(
            "--skip",
            metavar="PREFIX",
            help="Not the rules whose code or layer starts so; repeatable.",
        ),
    ] = None
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on", metavar="|".join(FAIL_ON), help="From what on it ends with 1 (unknown: 3)."
        ),
    ] = "error"
    unknown_ok: Annotated[
        bool,
        typer.Option(
            "--unknown-ok",
            help="End with 0, not 3, where what decides is unknown (Kubernetes probes).",
        ),
    ] = False
    require_gpu: Annotated[
        bool, typer.Option("--require-gpu", help="A machine without an NVIDIA GPU is an error.")
    ] = False
    facts: Annotated[
        str | None,
        typer.Option(
            "--facts",
            metavar="FILE",
            help="Judge a probed machine (`stackcheck probe`), not this one.",
        ),
    ] = None
    env: Annotated[
        str | None,
        typer.Option(
            "--env", metavar="PREFIX", help="Python environment or interpreter to look at."
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="S", min=0.1, help="Seconds that probing may take."),
    ] = 30.0
    format: Annotated[
        str | None, typer.Option("--format", metavar="|".join(FORMATS), help="What to print.")
    ] = None
    json: JsonOption = False
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Write the report to FILE.")
    ] = None
    redact: Annotated[
        bool, typer.Option("--redact", help="Take out names, hosts, serials and UUIDs.")
    ] = False

    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="FILE",
            help="Warn where it differs from FILE: a probed machine, or ranges.",
        ),
    ] = None
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Also import each installed framework, in a process of its own."
        ),
    ] = False
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Offer the fixes that are reversible and inside the environment, one by one.",
        ),
    ] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: run nothing.")] = False
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: do not ask.")] = False

    def checked_format(self) -> str:
        """Return the format to print. Raises `InputError` with everything that does not go together."""
        faults = find_misspelt(("--format", self.format, FORMATS))
        if self.json and self.format not in (None, "json"):
            faults.append(f"--json contradicts --format {self.format}")
        faults += find_misspelt(("--fail-on", self.fail_on, FAIL_ON))
        if not math.isfinite(self.timeout):
            faults.append(f"--timeout {self.timeout}: a number of seconds is needed")
        if self.unknown_ok and self.fail_on == "unknown":
            faults.append("--unknown-ok contradicts --fail-on unknown")
        if self.facts is not None and self.env is not None:
            faults.append(
                "--env contradicts --facts: the file says which environment was looked at"
            )
        faults += [
            f"{option} contradicts --facts: it is about this machine"
            for option, given in (("--deep", self.deep), ("--fix", self.fix))
            if given and self.facts is not None
        ]
        faults += [
            f"{option} says how to --fix, which is not asked for"
            for option, given in (("--dry-run", self.dry_run), ("--yes", self.yes))
            if given and not self.fix
        ]
        if faults:
            raise InputError(*faults)
        return "json" if self.json else self.format or "text"


@with_options(flags=DoctorFlags)
def doctor(context: typer.Context, *, flags: DoctorFlags) -> None:
    """Name what is wrong with the stack of this machine, from the GPU to the frameworks, and the fix.

    Ends with 0 if all is well, 1 for findings from --fail-on up, 2 for wrong usage, 3 if what decides is unknown.
    """
    state: State = context.obj
    form = flags.checked_format()
    loading = Thread(target=import_module, args=("stackcheck.diagnose.examination",))
    loading.start()  # the rules are imported while probing waits for the driver
    machine = _machine(state, flags)
    loading.join()
    from stackcheck.diagnose.examination import examine

    knowledge = state.knowledge()
    diagnosis = examine(
        machine,
        knowledge,
        only=flags.only or (),
        skip=flags.skip or (),
        require_gpu=flags.require_gpu,
        observations=_observations(machine, flags, state),
        expected=_expected(flags.expect) if flags.expect else None,
    )
    if state.horizon(knowledge)["horizon_exceeded"]:
        diagnosis = replace(diagnosis, horizon_exceeded=True)
    shown = diagnosis
    if flags.redact:
        from stackcheck.render.redaction import redact

        shown = redact(diagnosis)
    to_terminal = flags.output is None and sys.stdout.isatty()
    deliver(_render(shown, form, state, to_terminal=to_terminal), flags.output)
    if flags.fix:
        from stackcheck.cli.repair import repair

        repair(diagnosis, dry_run=flags.dry_run, yes=flags.yes, say=partial(typer.echo, err=True))
    raise typer.Exit(exit_status(diagnosis, flags.fail_on, unknown_ok=flags.unknown_ok))


def _recorded(name: str) -> Machine:
    from stackcheck.probe.facts_file import probe_facts_file

    return probe_facts_file(Path(name))


def _expected(name: str) -> Machine | Expectation:
    from stackcheck.probe.expectation_file import read_expectation

    return read_expectation(Path(name))


def _machine(state: State, flags: DoctorFlags) -> Machine:
    if flags.facts is not None:
        return _recorded(flags.facts)
    from stackcheck.probe.machine import probe_machine

    return probe_machine(environment=flags.env, timeout=flags.timeout, progress=state.hint)


def _observations(machine: Machine, flags: DoctorFlags, state: State) -> dict[str, dict[str, Any]]:
    if not flags.deep:
        return {}
    from stackcheck.cli.deep import import_frameworks

    return import_frameworks(machine, flags.timeout, state.hint)


def _render(diagnosis: Diagnosis, form: str, state: State, *, to_terminal: bool) -> str:
    if form == "text":
        from stackcheck.render.text import Palette, render_text

        width = min(shutil.get_terminal_size().columns, 100) if to_terminal else 80
        unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        palette = Palette(
            colour=to_terminal and not state.no_color, unicode=to_terminal and unicode
        )
        return render_text(diagnosis, palette=palette, width=width, verbose=state.verbose)
    if form == "json":
        from stackcheck.cli.state import document_text
        from stackcheck.render.document import doctor_document

        return document_text("doctor", doctor_document(diagnosis, state.verbose))
    if form == "markdown":
        from stackcheck.render.markdown import render_markdown

        return render_markdown(diagnosis)
    if form == "html":
        from stackcheck.render.html import render_html

        return render_html(diagnosis)
    if form == "junit":
        from stackcheck.render.junit import render_junit

        return render_junit(diagnosis)
    from stackcheck.render import lines

    return {
        "github": lines.render_github,
        "reason": lines.render_reason,
        "prometheus": lines.render_prometheus,
    }[form](diagnosis)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)
