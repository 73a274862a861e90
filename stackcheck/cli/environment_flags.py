"""The options of `create-env` that say what to make, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

__all__ = ["EnvironmentFlags"]


@dataclass(frozen=True)
class EnvironmentFlags:
    """What the options say of the environment."""

    name: Annotated[
        str | None, typer.Option("-n", "--name", metavar="NAME", help="Name of the environment.")
    ] = None
    prefix: Annotated[
        str | None,
        typer.Option("-p", "--prefix", metavar="PREFIX", help="Directory to make it in."),
    ] = None
    write: Annotated[
        list[str] | None,
        typer.Option("--write", metavar="KIND", help="Write this kind of file, too; repeatable."),
    ] = None
    output: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Where to: a directory if several files."),
    ] = None
    installer: Annotated[
        str,
        typer.Option(
            "--installer",
            metavar="TOOL",
            help="auto, rattler, conda, mamba, micromamba, pixi, uv, pip; none: files only.",
        ),
    ] = "auto"
    additions: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PACKAGE", help="Ordinary package to add; repeatable."),
    ] = None
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle", metavar="DIR", help="Fetch all into DIR (or use it), install offline."
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be written and fetched.")
    ] = False
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Ask nothing.")] = False
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Prove it by a training step.")
    ] = True
    smoke: Annotated[bool, typer.Option("--smoke", help="Smoke-train in it as well.")] = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of files asked for."""
        return tuple(self.write or ())

    @property
    def written_kinds(self) -> tuple[str, ...]:
        """The kinds to write: where nothing is installed and none was named, conda's environment file."""
        if self.write or self.installer != "none" or self.bundle:
            return self.kinds
        return ("environment.yml",)
