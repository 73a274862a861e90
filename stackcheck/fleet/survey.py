"""Every node of a scheduler asked for its facts: one probe on each, and a row for each that gives none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stackcheck.errors import InputError
from stackcheck.fleet.judgement import Probed
from stackcheck.fleet.node import Node
from stackcheck.fleet.transport import Outcome, Place, Program, Transport
from stackcheck.probe.facts_file import read_machine

__all__ = ["survey"]

_PROBE_SHARE = 0.4
"""Of a node's time, for the first try at the driver: where it hangs, the probe tries once more for half as long."""


def survey(
    transport: Transport, places: Sequence[Place], seconds: float, environment: str | None = None
) -> Iterator[Probed | Node]:
    """Yield what each node tells, as it comes, and a row for each that tells nothing.

    `seconds` is what a node may take; `environment` the Python environment to look at there.
    """
    arguments = ["--quiet", "probe", f"--timeout={seconds * _PROBE_SHARE:g}"]
    arguments += [f"--env={environment}"] if environment else []
    open_places = []
    for place in places:
        if place.closed is None:
            open_places.append(place)
        else:
            yield Node(place.name, place.closed, detail=place.reason)
    missing = {place.name for place in open_places}
    for outcome in transport.run(Program(tuple(arguments), seconds), open_places):
        missing.discard(outcome.place)
        yield _read(outcome)
    for name in sorted(missing):
        yield Node(name, "not-started", detail="the scheduler told nothing of it")


def _read(outcome: Outcome) -> Probed | Node:
    """Take the facts out of what a node printed; what is not facts is a probe that failed, with the reason."""
    if outcome.state != "ended":
        return Node(outcome.place, outcome.state, detail=outcome.detail)
    try:
        return Probed(outcome.place, read_machine(_document(outcome.output), "probe"))
    except InputError as error:
        if outcome.status:
            said = outcome.detail or outcome.output[-400:].decode(errors="replace").strip()
            return Node(
                outcome.place, "probe-failed", detail=f"exit status {outcome.status}: {said}"
            )
        return Node(outcome.place, "probe-failed", detail="; ".join(error.faults))


def _document(output: bytes) -> bytes:
    """Return the JSON alone: prologs and modules print before programs, and epilogs after."""
    start = 0 if output.startswith(b"{") else output.find(b"\n{") + 1
    return output[start : output.rfind(b"}") + 1]
