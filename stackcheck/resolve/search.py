"""The search for builds that agree: what the solver asks about, in terms of builds, Pythons, CUDA and pins.

The solver knows nothing of frameworks. Each framework is an identifier whose candidates are its rows that pass the
rules on every machine; `python`, `cuda major`, each extension that was asked for (vllm) and each pinned distribution
are identifiers too, so that what disagrees about one of them excludes each other and the solver says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stackcheck.model.build import Build
from stackcheck.model.record import record
from stackcheck.model.specifier import admits, clauses_of
from stackcheck.model.version import Version, parse_version
from stackcheck.resolve.pool import cuda_major_of
from stackcheck.resolve.preference import PYTHONS
from stackcheck.rules.python.extensions import fits
from stackcheck.rules.python.py16_python_version import supports_python

if TYPE_CHECKING:
    from stackcheck.knowledge.rows import ExtensionRelease

__all__ = ["CUDA", "PYTHON", "Choice", "Demand", "Extension", "Provider"]

PYTHON = "python"
CUDA = "cuda major"


@record(frozen=True, eq=False)
class Demand:
    """One requirement in the search: `accepts` is asked of candidates. `parent` names who demands it."""

    name: str
    accepts: Callable[[Any], bool]
    text: str
    parent: str = ""


@record(frozen=True, eq=False)
class Choice:
    """One candidate: a build, a Python, a CUDA major or a version of a distribution; each is made once."""

    name: str
    value: Any
    label: str = ""


@record(frozen=True, eq=False)
class Extension:
    """One release of what is compiled against a framework: its rows, one for each kind of build that it fits."""

    version: Version
    rows: tuple[ExtensionRelease, ...]


class Provider:
    """Answers the solver's questions."""

    def __init__(
        self,
        builds: Mapping[str, Callable[[], Iterator[Build]]],
        pythons: Sequence[str],
        libraries: Callable[[str], Sequence[Version]],
        extensions: Mapping[str, Sequence[Extension]],
        names: Mapping[str, str],
    ) -> None:
        """Take the candidates, best first, and how distributions' names stand for frameworks (`torch`).

        Of a framework that is a way to run through its passing builds, which judges them as it comes to them.
        """
        self.libraries = libraries
        self._names = names
        self._order = {name: position for position, name in enumerate((*extensions, *builds))}
        self._choices: dict[str, Choices] = {
            name: Choices(_choices_of(name, passing)) for name, passing in builds.items()
        }
        self._choices.update(
            (name, Choices(Choice(name, each, f"{name} {each.version}") for each in releases))
            for name, releases in extensions.items()
        )
        self._choices[PYTHON] = Choices(Choice(PYTHON, python, python) for python in pythons)
        self._choices[CUDA] = Choices(Choice(CUDA, major, str(major)) for major in range(20, 6, -1))
        self._versions: dict[tuple[str, Version], Choice] = {}

    def identify(self, requirement_or_candidate: Demand | Choice) -> str:
        """Return the identifier."""
        return requirement_or_candidate.name

    def get_preference(self, identifier: str, *_: object, **__: object) -> tuple[int, str]:
        """Decide extensions first, as few builds fit each; then frameworks, in the order asked for; then the rest."""
        return (self._order.get(identifier, len(self._order)), identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Demand]],
        incompatibilities: Mapping[str, Iterator[Choice]],
    ) -> Callable[[], Iterator[Choice]]:
        """Return the candidates that every demand accepts, best first."""
        demands = list(requirements[identifier])
        excluded = set(incompatibilities[identifier])
        accepts = [demand.accepts for demand in demands]

        def matches() -> Iterator[Choice]:
            for choice in self._choices.get(identifier) or self._of_versions(identifier, demands):
                if choice not in excluded and all(accept(choice.value) for accept in accepts):
                    yield choice

        return matches

    def _of_versions(self, distribution: str, demands: Sequence[Demand]) -> Iterator[Choice]:
        for version in self._points(distribution, demands):
            key = distribution, version
            if key not in self._versions:
                self._versions[key] = Choice(distribution, version, str(version))
            yield self._versions[key]

    def _points(self, distribution: str, demands: Sequence[Demand]) -> list[Version]:
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
        """Return what a build or an extension demands of the rest; nothing else demands anything."""
        value = candidate.value
        if isinstance(value, Extension):
            return self._demands_of_extension(value, candidate.label)
        return self._renamed(demands_of(value)) if isinstance(value, Build) else ()

    def _renamed(self, demands: Sequence[Demand]) -> Iterator[Demand]:
        for each in demands:
            name = self._names.get(each.name, each.name)
            yield each if name == each.name else replace(each, name=name)

    def _demands_of_extension(self, extension: Extension, label: str) -> Iterator[Demand]:
        for framework in {row.framework for row in extension.rows} & self._order.keys():
            rows = [row for row in extension.rows if row.framework == framework]
            told = " or ".join(dict.fromkeys(_word_requires(row) for row in rows))

            def accepts(build: Build, rows: Sequence[ExtensionRelease] = rows) -> bool:
                return any(fits(row, build) for row in rows)

            yield Demand(framework, accepts, told, label)

    def narrow_requirement_selection(
        self, identifiers: Iterable[str], *_: object, **__: object
    ) -> Iterable[str]:
        """Leave the order to `get_preference`."""
        return identifiers


class Choices:
    """The candidates of one identifier, made as they are asked for and then kept."""

    def __init__(self, choices: Iterator[Choice]) -> None:
        self._rest = choices
        self._made: list[Choice] = []

    def __iter__(self) -> Iterator[Choice]:
        position = 0
        while True:
            if position == len(self._made):
                choice = next(self._rest, None)
                if choice is None:
                    return
                self._made.append(choice)
            yield self._made[position]
            position += 1


def _choices_of(name: str, passing: Callable[[], Iterator[Build]]) -> Iterator[Choice]:
    for build in passing():
        yield Choice(name, build, f"{build.label} {build.channel} {build.platform}")


@lru_cache(maxsize=1024)
def demands_of(build: Build) -> tuple[Demand, ...]:
    """Return what a build demands: a Python that it has a file for, its CUDA major, its pins."""
    pythons = {python for python in PYTHONS if supports_python(build, parse_version(python))}
    told = f"Python {', '.join(sorted(pythons))}"
    demands = [Demand(PYTHON, pythons.__contains__, told, build.label)]
    major = cuda_major_of(build)
    if major is not None:
        demands.append(Demand(CUDA, major.__eq__, f"CUDA {major}", build.label))
    pins = dict(build.requires)
    if build.numpy:
        pins["numpy"] = ",".join(filter(None, (pins.get("numpy"), build.numpy)))
    if build.protobuf:
        pins["protobuf"] = ",".join(filter(None, (pins.get("protobuf"), build.protobuf)))
    demands += [demand_of_pin(name, text, build.label) for name, text in pins.items() if text]
    return tuple(demands)


def _word_requires(row: ExtensionRelease) -> str:
    wanted = ", ".join(f"{name}{specifier}" for name, specifier in row.requires.items())
    return " for ".join(filter(None, (wanted, ", ".join(row.builds)))) or "any release"


def demand_of_pin(name: str, specifier: str, parent: str) -> Demand:
    """Make the demand that a distribution, or the build of a framework of that name, be within a specifier."""

    def accepts(value: Any) -> bool:
        return admits(specifier, value.version if isinstance(value, Build | Extension) else value)

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
