"""The search for builds that agree: what the solver asks about, in terms of builds, Pythons, CUDA and pins.

The solver knows nothing of frameworks. Each framework is an identifier whose candidates are its rows that pass the
rules on every machine; `python`, `cuda major` and each pinned distribution are identifiers too, so that two builds
that disagree about one of them exclude each other and the solver says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any

from stackcheck.model.build import Build
from stackcheck.model.record import record
from stackcheck.model.specifier import admits, clauses_of
from stackcheck.model.version import Version, parse_version
from stackcheck.resolve.preference import PYTHONS
from stackcheck.rules.python.py16_python_version import supports_python

__all__ = ["CUDA", "PYTHON", "Choice", "Demand", "Provider"]

PYTHON = "python"
CUDA = "cuda major"


@record(frozen=True)
class Demand:
    """One requirement in the search: `accepts` is asked of candidates. `parent` names who demands it."""

    name: str
    accepts: Callable[[Any], bool] = field(compare=False)
    text: str
    parent: str = ""


@record(frozen=True)
class Choice:
    """One candidate: a build, a Python, a CUDA major or a version of a distribution."""

    name: str
    value: Any = field(hash=False)
    label: str = ""


class Provider:
    """Answers the solver's questions."""

    def __init__(
        self,
        builds: Mapping[str, Callable[[], Iterator[Build]]],
        pythons: Sequence[str],
        libraries: Callable[[str], Sequence[Version]],
    ) -> None:
        """Take, per framework, a way to run through its passing builds, best first; and the Pythons, best first."""
        self.builds = builds
        self.pythons = pythons
        self.libraries = libraries

    def identify(self, requirement_or_candidate: Demand | Choice) -> str:
        """Return the identifier."""
        return requirement_or_candidate.name

    def get_preference(self, identifier: str, *_: object, **__: object) -> tuple[int, str]:
        """Decide frameworks first, in the order asked for; what follows from them afterwards."""
        names = list(self.builds)
        return (names.index(identifier) if identifier in names else len(names), identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Demand]],
        incompatibilities: Mapping[str, Iterator[Choice]],
    ) -> Callable[[], Iterator[Choice]]:
        """Return the candidates that every demand accepts, best first."""
        demands = list(requirements[identifier])
        excluded = {choice.label for choice in incompatibilities[identifier]}

        def matches() -> Iterator[Choice]:
            for choice in self._all(identifier, demands):
                if choice.label not in excluded and all(
                    demand.accepts(choice.value) for demand in demands
                ):
                    yield choice

        return matches

    def _all(self, identifier: str, demands: Sequence[Demand]) -> Iterator[Choice]:
        if identifier in self.builds:
            for build in self.builds[identifier]():
                yield Choice(identifier, build, f"{build.label} {build.channel} {build.platform}")
        elif identifier == PYTHON:
            for python in self.pythons:
                yield Choice(identifier, python, python)
        elif identifier == CUDA:
            for major in range(20, 6, -1):
                yield Choice(identifier, major, str(major))
        else:
            for version in self._versions(identifier, demands):
                yield Choice(identifier, version, str(version))

    def _versions(self, distribution: str, demands: Sequence[Demand]) -> list[Version]:
        """Return the releases of a library that the knowledge lists, and the points that the demands speak of.

        For a distribution that the knowledge does not list (NumPy), the points between which its demands change
        decide whether any version can satisfy them all.
        """
        points = set(self.libraries(distribution))
        if not points:
            for demand in demands:
                for clause in clauses_of(demand.text):
                    edge = clause.version
                    points |= {edge, parse_version(f"{edge.base_version}.0.1"), _below(edge)}
            points.add(parse_version("99"))
        for demand in demands:
            if demand.text.startswith("==") and "*" not in demand.text and "," not in demand.text:
                points.add(parse_version(demand.text[2:]))
        return sorted(points, reverse=True)

    def is_satisfied_by(self, requirement: Demand, candidate: Choice) -> bool:
        """Tell whether a demand accepts a candidate."""
        return requirement.accepts(candidate.value)

    def get_dependencies(self, candidate: Choice) -> Iterable[Demand]:
        """Return what a build demands of the rest; nothing else demands anything."""
        return demands_of(candidate.value) if isinstance(candidate.value, Build) else ()

    def narrow_requirement_selection(
        self, identifiers: Iterable[str], *_: object, **__: object
    ) -> Iterable[str]:
        """Leave the order to `get_preference`."""
        return identifiers


@lru_cache(maxsize=1024)
def demands_of(build: Build) -> tuple[Demand, ...]:
    """Return what a build demands: a Python that it has a file for, its CUDA major, its pins."""
    pythons = {python for python in PYTHONS if supports_python(build, parse_version(python))}
    told = f"Python {', '.join(sorted(pythons))}"
    demands = [Demand(PYTHON, pythons.__contains__, told, build.label)]
    if build.cuda is not None and not build.from_source:
        major = build.cuda.major
        demands.append(Demand(CUDA, major.__eq__, f"CUDA {major}", build.label))
    pins = dict(build.requires)
    if build.numpy:
        pins["numpy"] = ",".join(filter(None, (pins.get("numpy"), build.numpy)))
    if build.protobuf:
        pins["protobuf"] = ",".join(filter(None, (pins.get("protobuf"), build.protobuf)))
    demands += [demand_of_pin(name, text, build.label) for name, text in pins.items() if text]
    return tuple(demands)


def demand_of_pin(name: str, specifier: str, parent: str) -> Demand:
    """Make the demand that a distribution, or the build of a framework of that name, be within a specifier."""

    def accepts(value: Any) -> bool:
        return admits(specifier, value.version if isinstance(value, Build) else value)

    return Demand(name, accepts, specifier, parent)


def _below(version: Version) -> Version:
    """Return a version just below another, good enough to stand for the range that ends there."""
    release = list(version.release)
    for position in reversed(range(len(release))):
        if release[position] > 0:
            return parse_version(
                ".".join(map(str, [*release[:position], release[position] - 1, 9999]))
            )
    return parse_version("0")
