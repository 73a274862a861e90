"""What both ways to Ray share: the program that runs there, and its records read as places and outcomes."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from stackcheck.fleet.processes import OUTPUT_MAX
from stackcheck.fleet.transport import Outcome, Place

__all__ = ["START_THERE", "outcome_of", "places_of", "program_text", "record_in"]

START_THERE = (
    "{python}",
    "-c",
    (
        "import sys; sys.path[:] = [entry for entry in sys.path if entry];"
        " from stackcheck.__main__ import main; main()"
    ),
)
"""The Python of the node's own Ray, with StackCheck in it; no directory that it happens to be in gets onto its path."""
_MARK = "stackcheck-fleet "
_REFUSALS = {"busy", "timeout", "down", "not-started"}


def program_text() -> str:
    """Return what is run in the cluster's Python, after `-c`."""
    return (files("stackcheck.payload") / "ray_nodes.py").read_text("utf-8")


def record_in(line: str) -> dict[str, Any] | None:
    """Return the record in a line of the program's output; None for a line of Ray's own."""
    if not line.startswith(_MARK):
        return None
    try:
        record = json.loads(line[len(_MARK) :])
    except ValueError:  # a log may be read while a line is written
        return None
    return record if isinstance(record, dict) else None


def places_of(nodes: Sequence[Mapping[str, Any]]) -> list[Place]:
    """Return places from what Ray says of its nodes; where two are named alike, with the start of their ids."""
    counts = Counter(str(node["name"]) for node in nodes)
    return [
        Place(
            name=str(node["name"])
            if counts[str(node["name"])] == 1
            else f"{node['name']}/{str(node['id'])[:8]}",
            gpus=int(node.get("gpus") or 0),
            closed=None if node["alive"] else "down",
            reason="" if node["alive"] else str(node.get("reason") or "Ray counts it as dead"),
            address=str(node["id"]),
        )
        for node in nodes
    ]


def outcome_of(record: Mapping[str, Any], names: Mapping[str, str]) -> Outcome:
    """Return what a record says of a node; its output is unpacked to no more than a machine's facts are."""
    place = names[str(record.get("id"))]
    detail = str(record.get("detail") or "")
    state = record.get("state")
    if state in _REFUSALS:
        return Outcome(place, state, None, b"", detail)
    status = record.get("status")
    try:
        packed = base64.b64decode(str(record.get("output") or ""))
        output = zlib.decompressobj().decompress(packed, OUTPUT_MAX) if packed else b""
    except (ValueError, zlib.error) as error:
        return Outcome(place, "ended", 1, b"", f"its output arrived broken: {error}")
    return Outcome(place, "ended", status if isinstance(status, int) else 1, output, detail)
