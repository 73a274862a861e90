"""Nodes from facts files that were gathered in any way: `stackcheck probe --output FILE` on each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from stackcheck.diagnose.examination import examine
from stackcheck.errors import InputError
from stackcheck.fleet.node import Node, facts_of
from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.machine import Machine
from stackcheck.probe.facts_file import probe_facts_file

__all__ = ["list_files", "read_nodes"]


def list_files(directory: Path) -> tuple[Path, ...]:
    """Return the JSON files of a folder, by name. Raises `InputError` where there is none."""
    if not directory.is_dir():
        raise InputError(f"--facts {directory}: no such directory")
    found = tuple(sorted(path for path in directory.glob("*.json") if path.is_file()))
    if not found:
        raise InputError(
            f"--facts {directory}: holds no .json file; `stackcheck probe --output` writes them"
        )
    return found


def read_nodes(
    paths: tuple[Path, ...], knowledge: Knowledge, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Node]:
    """Yield one node per file; a file that is none of ours is a node whose probe failed. One machine at a time."""
    for count, path in enumerate(paths, start=1):
        try:
            machine = probe_facts_file(path)
        except InputError as error:
            yield Node(path.stem, "probe-failed", detail="; ".join(error.faults))
        else:
            yield _judge(path, machine, knowledge)
        progress(count)


def _judge(path: Path, machine: Machine, knowledge: Knowledge) -> Node:
    diagnosis = examine(machine, knowledge)
    findings = tuple(finding for finding in diagnosis.findings if finding.severity != "info")
    undecided = diagnosis.count("unknown")
    return Node(
        name=machine.host.hostname.peek() or path.stem,
        state="findings" if findings else "ok",
        age_seconds=_age(machine.time),
        findings=findings,
        detail=f"{undecided} rules undecided" if undecided else "",
        facts=facts_of(machine),
    )


def _age(text: str) -> int | None:
    try:
        return max(0, round(time.time() - datetime.fromisoformat(text).timestamp()))
    except ValueError:
        return None
