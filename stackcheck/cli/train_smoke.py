"""`stackcheck train-smoke`: prove the stack by known answers and by training."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackcheck.cli.options import JsonOption, find_misspelt, with_options
from stackcheck.cli.report import deliver
from stackcheck.errors import InputError

if TYPE_CHECKING:
    from stackcheck.cli.state import State
    from stackcheck.model.smoke import SmokeReport
    from stackcheck.smoke.session import Options

__all__ = ["SmokeFlags", "register", "train_smoke"]

_LEVELS = ("quick", "short", "long")
_TASKS = ("mlp", "cnn", "rnn", "transformer")
_FORMATS = ("text", "json", "html")
_MODES = ("eager", "compiled", "both")
_FRAMEWORKS = ("torch", "tensorflow", "jax", "paddle", "keras", "mxnet")
_ON_BACKENDS = ("keras[tensorflow]", "keras[jax]", "keras[torch]")
_ALSO_KNOWN_AS = {
    "pytorch": "torch",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "paddlepaddle": "paddle",
    "paddlepaddle-gpu": "paddle",
}
"""Names of frameworks and distributions, by the module that is imported."""
_STATUS = {"ok": 0, "error": 1, "unknown": 3}


@dataclass(frozen=True)
class SmokeFlags:
    """How much to run, where, and what to hold it against."""

    level: Annotated[
        str,
        typer.Option(
            "--level", metavar="|".join(_LEVELS), help="Under 15 s, under 2 min, or --seconds."
        ),
    ] = "quick"
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds", metavar="S", min=1.0, help="How long level long burns in (default 900)."
        ),
    ] = None
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task", metavar="|".join((*_TASKS, "all")), help="What to train; repeatable."
        ),
    ] = None
    device: Annotated[
        str, typer.Option("--device", metavar="auto|cpu|cuda[:N]|all", help="Where to run.")
    ] = "auto"
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="PREFIX",
            help="Environment or interpreter with the frameworks; else the active one.",
        ),
    ] = None
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="FRAMEWORK",
            help=f"Train the same models there too: {', '.join(_FRAMEWORKS)}; repeatable.",
        ),
    ] = None
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode", metavar="|".join(_MODES), help="How the frameworks run (default eager)."
        ),
    ] = None
    bootstrap: Annotated[
        bool,
        typer.Option(
            "--bootstrap",
            help="Where the GPU cannot be used from here, make a private environment with the CuPy that fits.",
        ),
    ] = False
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Seed of weights and data.")
    ] = 0
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="S",
            min=0.1,
            help="Seconds that each stage may take before it is ended.",
        ),
    ] = None
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="FILE", help="JSON report whose rates must be reached again."
        ),
    ] = None
    format: Annotated[
        str | None, typer.Option("--format", metavar="|".join(_FORMATS), help="What to print.")
    ] = None
    json: JsonOption = False
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Write the report to FILE.")
    ] = None

    def checked_format(self) -> str:
        """Return the format to print."""
        return "json" if self.json else self.format or "text"

    def frameworks(self) -> list[str]:
        """Return the frameworks to compare with, by the modules that they are imported as, each once.

        Keras may have its back end in brackets.
        """
        return list(dict.fromkeys(_ALSO_KNOWN_AS.get(name, name) for name in self.against or ()))

    def find_faults(self) -> list[str]:
        """Return one line for each thing that is misspelt or does not go together."""
        faults = find_misspelt(
            ("--level", self.level, _LEVELS),
            ("--format", self.format, _FORMATS),
            ("--mode", self.mode, _MODES),
            *(("--task", task, (*_TASKS, "all")) for task in self.task or ()),
            *(("--against", name, (*_FRAMEWORKS, *_ON_BACKENDS)) for name in self.frameworks()),
        )
        if not re.fullmatch(r"auto|cpu|all|cuda(:\d+)?", self.device):
            faults.append(f"--device {self.device}: choose auto, cpu, cuda, cuda:N or all")
        if self.json and self.format not in (None, "json"):
            faults.append(f"--json contradicts --format {self.format}")
        if self.seconds is not None and self.level != "long":
            faults.append(f"--seconds belongs to --level long, not {self.level}")
        if self.env is not None and not self.against:
            faults.append("--env needs --against FRAMEWORK: what should be compared there?")
        if self.mode is not None and not self.against:
            faults.append("--mode belongs to --against")
        if self.bootstrap and self.device == "cpu":
            faults.append("--bootstrap is for GPUs; --device cpu needs none")
        return faults


@with_options(flags=SmokeFlags)
def train_smoke(context: typer.Context, *, flags: SmokeFlags) -> None:
    """Run every layer of the stack with known right answers, train, and name the layer that fails.

    Ends with 0 if all holds, 1 if something fails, 2 for wrong usage, 3 if it cannot be judged.
    """
    state: State = context.obj
    if faults := flags.find_faults():
        raise InputError(*faults)
    from stackcheck.smoke.console import show_progress
    from stackcheck.smoke.session import run_smoke

    options = _options(flags, state)
    # ended by a scheduler it cleans up as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with show_progress(quiet=state.quiet, no_color=state.no_color) as listener:
        report = run_smoke(options, listener)
    if flags.checked_format() == "text" and flags.output is None:
        from stackcheck.smoke.console import print_report

        print_report(report, state.console())
    else:
        deliver(_render(report, flags.checked_format()), flags.output)
    if report.status != "ok":
        state.hint(
            "\nhint: `stackcheck doctor` looks for the cause in this machine and its environments"
        )
    raise typer.Exit(_STATUS[report.status])


def _options(flags: SmokeFlags, state: State) -> Options:
    from stackcheck.smoke.document import read_baseline
    from stackcheck.smoke.interpreter import (
        Against,
        find_environment,
        find_interpreter,
        spell_out,
    )
    from stackcheck.smoke.session import Options

    chosen = flags.task or ["all"]
    against = None
    if flags.against:
        modes = ("eager", "compiled") if flags.mode == "both" else (flags.mode or "eager",)
        interpreter = find_interpreter(
            flags.env or find_environment(), flags.frameworks(), beside=("numpy",)
        )
        state.hint(f"training beside {', '.join(flags.frameworks())} of {interpreter.prefix}")
        against = Against(interpreter, spell_out(interpreter, flags.frameworks()), modes)
    return Options(
        flags.level,
        flags.device,
        tuple(task for task in _TASKS if task in chosen or "all" in chosen),
        flags.seed,
        flags.seconds or 900.0,
        flags.timeout or 0.0,
        against,
        flags.bootstrap,
        state.offline,
        state.quiet,
        read_baseline(Path(flags.baseline)) if flags.baseline else {},
    )


def _render(report: SmokeReport, form: str) -> str:
    if form == "html":
        from stackcheck.smoke.page import render_page

        return render_page(report)
    if form == "json":
        from stackcheck.cli.state import document_text
        from stackcheck.smoke.document import to_document

        return document_text("train-smoke", to_document(report))
    import io

    from rich.console import Console

    from stackcheck.smoke.console import print_report

    text = io.StringIO()
    print_report(report, Console(file=text, no_color=True, highlight=False, soft_wrap=True))
    return text.getvalue()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train-smoke")(train_smoke)
