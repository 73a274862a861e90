"""The requirements of a command: SPECs of the command line, and files given by `-r`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.errors import InputError
from stackcheck.resolve.requirements import parse_requirements

if TYPE_CHECKING:
    from stackcheck.cli.options import WishFlags
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.plan import Requirement

__all__ = ["gather_requirements"]

_LARGEST_FILE = 32 * 1024 * 1024


def gather_requirements(
    specs: Iterable[str], files: Iterable[str], wishes: WishFlags, knowledge: Knowledge
) -> tuple[tuple[Requirement, ...], WishFlags]:
    """Read SPECs and files; what a file fixes (Python, CUDA, channel) holds unless an option says otherwise.

    Raises `InputError` with the faults of all of them.
    """
    faults: list[str] = []
    requirements: tuple[Requirement, ...] = ()
    try:
        requirements = parse_requirements(specs, knowledge)
    except InputError as error:
        faults += error.faults
    for path in files:
        from stackcheck.resolve.requirement_files import parse_requirement_file

        try:
            contents = parse_requirement_file(path, _read(path), knowledge)
        except InputError as error:
            faults += error.faults
            continue
        requirements += contents.requirements
        wishes = replace(
            wishes,
            python=wishes.python or contents.python or None,
            cuda=wishes.cuda or contents.cuda or None,
            channel=wishes.channel or contents.channel or None,
        )
    if faults:
        raise InputError(*faults)
    return requirements, wishes


def _read(path: str) -> str:
    try:
        if Path(path).stat().st_size > _LARGEST_FILE:
            raise InputError(f"-r {path}: larger than 32 MiB, which no requirements file is")
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"-r {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"-r {path}: no text in UTF-8") from None
