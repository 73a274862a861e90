"""Where a fleet's nodes come from: facts files, Slurm, or Ray; one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stackcheck.errors import InputError
from stackcheck.fleet.judgement import Probed
from stackcheck.fleet.node import Node
from stackcheck.fleet.starting import read_starter
from stackcheck.fleet.transport import Transport
from stackcheck.model.record import record

__all__ = ["Source", "open_source", "open_transport"]


@record(frozen=True)
class Source:
    """Nodes that are about to be asked."""

    count: int
    answers: Iterator[Probed | Node]
    """One for each of them, as they come."""


def open_transport(
    slurm: bool,
    ray: str | None,
    *,
    partition: str | None = None,
    nodelist: str | None = None,
    starter: str | None = None,
) -> Transport | None:
    """Return the scheduler that was asked for, None for neither. Raises `InputError` for what does not go together."""
    faults = [
        f"{option} belongs to --slurm"
        for option, given in (("--partition", partition), ("--nodelist", nodelist))
        if given is not None and not slurm
    ]
    if slurm and ray is not None:
        faults.append("--ray contradicts --slurm: name one scheduler")
    if starter is not None and not slurm and ray is None:
        faults.append("--stackcheck says how to start it on nodes, and no scheduler is named")
    if faults:
        raise InputError(*faults)
    words = read_starter(starter)
    if slurm:
        from stackcheck.fleet.slurm import Slurm

        cluster = Slurm(partition, nodelist)
        return cluster if words is None else replace(cluster, starter=words)
    if ray is None:
        return None
    if ray.startswith(("http://", "https://")):
        from stackcheck.fleet.ray_jobs import RayJobs

        return RayJobs(ray) if words is None else RayJobs(ray, words)
    from stackcheck.fleet.ray_driver import RayDriver

    return RayDriver(ray) if words is None else RayDriver(ray, words)


def open_source(
    facts: str | None, transport: Transport | None, seconds: float, environment: str | None
) -> Source:
    """Return the nodes of a folder or of a scheduler. Raises `InputError` where none or both are named."""
    if facts is not None and transport is not None:
        raise InputError("--facts contradicts --slurm and --ray: the files were gathered already")
    if facts is not None:
        from stackcheck.fleet.files import list_files, read_files

        paths = list_files(Path(facts))
        return Source(len(paths), read_files(paths))
    if transport is None:
        raise InputError(
            "name the nodes: --slurm, --ray ADDRESS, or --facts DIR with a file of each"
            " (`stackcheck probe --output FILE`)"
        )
    from stackcheck.fleet.survey import survey

    places = transport.places()
    return Source(len(places), survey(transport, places, seconds, environment))
