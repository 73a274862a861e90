"""Ray from within: this process joins the cluster, and one pinned task per node runs the program there.

Ray takes only drivers of its own version and Python; `ray_jobs` asks the cluster's Python instead.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stackcheck.errors import InputError, Undeterminable
from stackcheck.fleet.processes import OUTPUT_MAX
from stackcheck.fleet.transport import Outcome, Place, Program
from stackcheck.payload import ray_nodes

__all__ = ["START_THERE", "RayDriver", "outcome_of", "places_of"]

START_THERE = (
    "{python}",
    "-c",
    (
        "import sys; sys.path[:] = [entry for entry in sys.path if entry];"
        " from stackcheck.__main__ import main; main()"
    ),
)
"""The Python of the node's own Ray, with StackCheck in it; no directory that it happens to be in gets onto its path."""
_PROGRAM: Any = ray_nodes  # untyped, as all that runs in other interpreters
_REFUSALS = {"busy", "timeout", "down", "not-started"}


@dataclass
class RayDriver:
    """A cluster that this process can join: `auto`, `HOST:PORT` or `ray://HOST:PORT`."""

    address: str
    starter: tuple[str, ...] = START_THERE
    _ray: Any = field(default=None, repr=False)

    def places(self) -> Sequence[Place]:
        """Return every node that the cluster remembers.

        Raises `InputError` without Ray, and `Undeterminable` without a cluster.
        """
        return places_of(_PROGRAM.nodes(self._join()))

    def run(self, program: Program, places: Sequence[Place]) -> Iterator[Outcome]:
        """Run one task per node. What Ray itself says of a node that fails becomes its row."""
        ray = self._join()
        names = {place.address: place.name for place in places}
        records = _PROGRAM.sweep(
            ray, list(names), [*self.starter, *program.arguments], program.seconds
        )
        try:
            for record in records:
                yield outcome_of(record, names)
        finally:
            ray.shutdown()
            self._ray = None

    def _join(self) -> Any:
        if self._ray is not None:
            return self._ray
        try:
            import ray
        except ImportError as error:
            raise InputError(
                f"--ray {self.address}: this Python has no Ray; install the cluster's own version of it, or name the"
                " dashboard (http://HOST:8265), which needs none here"
            ) from error
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            told = " ".join(str(error).split())[:400]
            raise Undeterminable(
                f"--ray {self.address}: {told}; the dashboard (http://HOST:8265) takes any version of Ray and Python"
            ) from error
        ray.cloudpickle.register_pickle_by_value(ray_nodes)
        self._ray = ray
        return ray


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
    """Return what a record of `ray_nodes` says; its output is unpacked to no more than a machine's facts are."""
    place = names.get(str(record.get("id")), str(record.get("id")))
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
