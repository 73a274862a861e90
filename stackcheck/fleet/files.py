"""Nodes from facts files that were gathered in any way: `stackcheck probe --output FILE` on each of them."""

from __future__ import annotations

from pathlib import Path

from stackcheck.errors import InputError
from stackcheck.fleet.judgement import Probed
from stackcheck.fleet.node import Node
from stackcheck.probe.facts_file import probe_facts_file

__all__ = ["list_files", "read_file"]


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


def read_file(path: Path) -> Probed | Node:
    """Return what a file tells; one that is none of ours is a node whose probe failed."""
    try:
        machine = probe_facts_file(path)
    except InputError as error:
        return Node(path.stem, "probe-failed", detail="; ".join(error.faults))
    return Probed(machine.host.hostname.peek() or path.stem, machine)
