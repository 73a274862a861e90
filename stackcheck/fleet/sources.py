"""Where a fleet's nodes come from: facts files, Slurm, or Ray; one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from stackcheck.errors import InputError
from stackcheck.fleet.judgement import Probed
from stackcheck.fleet.node import Node
from stackcheck.fleet.starting import read_starter
from stackcheck.fleet.transport import Place, Transport
from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.model.expectation import Expectation
    from stackcheck.model.machine import Machine

__all__ = ["Fleet", "FleetOfFiles", "FleetOfScheduler", "open_fleet", "open_transport"]

Answer = TypeVar("Answer", Node, Probed | Node)


class Fleet(Protocol):
    """Nodes that are about to be asked. Each has one answer, in the order in which they come."""

    @property
    def count(self) -> int:
        """How many nodes there are."""
        ...

    def answers(self) -> Iterator[Probed | Node]:
        """Yield the machine of each node that tells of it, and a row for each that does not."""
        ...

    def rows(self, matrices: Path | None, expected: Machine | Expectation | None) -> Iterator[Node]:
        """Yield a row for each node, judged by the knowledge with `matrices` laid over it."""
        ...


@record(frozen=True)
class FleetOfFiles:
    """A folder's facts files, one a node. A second file of one host is a row of its own, with the file's name."""

    paths: tuple[Path, ...]

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self.paths)

    def answers(self) -> Iterator[Probed | Node]:
        """Yield what each file tells."""
        from stackcheck.fleet.files import read_file

        return _apart(self.paths, map(read_file, self.paths))

    def rows(self, matrices: Path | None, expected: Machine | Expectation | None) -> Iterator[Node]:
        """Yield a row for each file."""
        from stackcheck.fleet.judging import judge_files

        return _apart(self.paths, judge_files(self.paths, matrices, expected))


def _apart(paths: Sequence[Path], answers: Iterable[Answer]) -> Iterator[Answer]:
    seen: set[str] = set()
    for path, answer in zip(paths, answers, strict=True):
        again = answer.name in seen
        seen.add(answer.name)
        yield replace(answer, name=f"{answer.name} ({path.name})") if again else answer


@record(frozen=True)
class FleetOfScheduler:
    """A scheduler's nodes, each of which is asked by a program that runs on it."""

    transport: Transport
    places: tuple[Place, ...]
    seconds: float
    environment: str | None = None

    @property
    def count(self) -> int:
        """How many nodes the scheduler knows."""
        return len(self.places)

    def answers(self) -> Iterator[Probed | Node]:
        """Yield what each node tells, as it comes."""
        from stackcheck.fleet.survey import survey

        return survey(self.transport, self.places, self.seconds, self.environment)

    def rows(self, matrices: Path | None, expected: Machine | Expectation | None) -> Iterator[Node]:
        """Yield a row for each node; rules and knowledge are loaded when the first has answered."""
        judge: Callable[[Probed | Node], Node] | None = None
        for answer in self.answers():
            if judge is None:
                from stackcheck.fleet.judging import Judge

                judge = Judge(matrices, expected)
            yield judge(answer)


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


def open_fleet(
    facts: str | None, transport: Transport | None, seconds: float, environment: str | None
) -> Fleet:
    """Return the nodes of a folder or of a scheduler. Raises `InputError` where none or both are named."""
    if facts is not None and transport is not None:
        raise InputError("--facts contradicts --slurm and --ray: the files were gathered already")
    if facts is not None:
        from stackcheck.fleet.files import list_files

        return FleetOfFiles(list_files(Path(facts)))
    if transport is None:
        raise InputError(
            "name the nodes: --slurm, --ray ADDRESS, or --facts DIR with a file of each"
            " (`stackcheck probe --output FILE`)"
        )
    return FleetOfScheduler(transport, tuple(transport.places()), seconds, environment)
