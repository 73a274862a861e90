"""Nodes from facts files that were gathered in any way: `stackcheck probe --output FILE` on each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stackcheck.errors import InputError
from stackcheck.fleet.judgement import Probed
from stackcheck.fleet.node import Node
from stackcheck.probe.facts_file import probe_facts_file

__all__ = ["list_files", "read_files"]


def list_files(directory: Path) -> tuple[Path, ...]:
    """Return the JSON files of a folder, by name. Raises `InputError` where there is none."""
    if not directory.is_dir():
        raise InputError(f"--facts {directory}: no such directory")
    found = tuple(
        sorted(path for path in directory.glob("*.json") if not path.name.startswith("."))
    )
    if not found:
        raise InputError(
            f"--facts {directory}: holds no .json file; `stackcheck probe --output` writes them"
        )
    return found


def read_files(paths: tuple[Path, ...]) -> Iterator[Probed | Node]:
    """Yield what each file tells; one that is none of ours is a node whose probe failed. One file at a time.

    A second file of one host is a row of its own, with the file's name.
    """
    seen: set[str] = set()
    for path in paths:
        try:
            machine = probe_facts_file(path)
        except InputError as error:
            yield Node(path.stem, "probe-failed", detail="; ".join(error.faults))
        else:
            name = machine.host.hostname.peek() or path.stem
            yield Probed(f"{name} ({path.name})" if name in seen else name, machine)
            seen.add(name)
