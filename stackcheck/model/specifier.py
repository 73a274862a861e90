"""Version specifiers as PEP 440 defines them: whether a version is within one.

`packaging.specifiers` reads them the same way (a property test compares), but takes 8 ms to import, a tenth of what an
answer may take, and parses a set anew wherever it is asked. Only `===` differs: it compares versions, not texts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from operator import ge, le
from typing import NamedTuple

from stackcheck.model.version import InvalidVersion, Version, parse_version

__all__ = ["Clause", "InvalidSpecifier", "admits", "clauses_of"]

_OPERATORS = ("===", "~=", "==", "!=", "<=", ">=", "<", ">")


class InvalidSpecifier(ValueError):
    """The text is no specifier set."""


class Clause(NamedTuple):
    """One comparison: `operator` `version`; `prefix` where the version ended in `.*`."""

    operator: str
    version: Version
    prefix: bool


@lru_cache(maxsize=2048)
def clauses_of(specifier: str) -> tuple[Clause, ...]:
    """Return the clauses of a set such as `>=2.1,<3`. Raises `InvalidSpecifier`."""
    return tuple(_parse(part.strip()) for part in specifier.split(",") if part.strip())


def _parse(text: str) -> Clause:
    operator = next((each for each in _OPERATORS if text.startswith(each)), "")
    number = text[len(operator) :].strip()
    prefix = number.endswith(".*")
    try:
        version = parse_version(number.removesuffix(".*"))
    except InvalidVersion:
        raise InvalidSpecifier(f"{text!r} is no version specifier") from None
    comparable = operator in ("==", "!=")
    if (
        not operator
        or (prefix and (not comparable or str(version) != version.base_version))
        or (version.local and not (comparable or operator == "==="))
        or (operator == "~=" and len(version.release) < 2)
    ):
        raise InvalidSpecifier(f"{text!r} is no version specifier")
    return Clause(operator, version, prefix)


@lru_cache(maxsize=65536)
def admits(specifier: str, version: Version) -> bool:
    """Tell whether a version, a pre-release included, satisfies every clause. Raises `InvalidSpecifier`."""
    return all(_TESTS[clause.operator](clause, version) for clause in clauses_of(specifier))


def _equals(clause: Clause, version: Version) -> bool:
    wanted = clause.version
    if clause.prefix:
        return _begins(version, wanted, len(wanted.release))
    return version == wanted if wanted.local else _public(version) == wanted


def _begins(version: Version, wanted: Version, length: int) -> bool:
    """Whether a version's release begins as wanted, short ones filled up with zeros."""
    release = version.release + (0,) * (length - len(version.release))
    return version.epoch == wanted.epoch and release[:length] == wanted.release[:length]


def _compatible(clause: Clause, version: Version) -> bool:
    wanted = clause.version
    series = parse_version(f"{wanted.epoch}!{'.'.join(map(str, wanted.release[:-1]))}")
    return _public(version) >= wanted and _begins(version, series, len(series.release))


def _below(clause: Clause, version: Version) -> bool:
    wanted = clause.version
    if version >= wanted:
        return False
    own = version.is_prerelease and not wanted.is_prerelease and version.post == wanted.post
    return not (own and _base(version) == _base(wanted))


def _above(clause: Clause, version: Version) -> bool:
    wanted = clause.version
    if _public(version) <= wanted:
        return False
    own = version.is_postrelease and not (wanted.is_postrelease or wanted.is_devrelease)
    return not (own and version.pre == wanted.pre and _base(version) == _base(wanted))


def _bounded(compare: Callable[[Version, Version], bool], clause: Clause, version: Version) -> bool:
    return compare(_public(version), clause.version)


@lru_cache(maxsize=4096)
def _public(version: Version) -> Version:
    return parse_version(version.public) if version.local else version


def _base(version: Version) -> Version:
    return parse_version(version.base_version)


_TESTS: dict[str, Callable[[Clause, Version], bool]] = {
    "===": lambda clause, version: version == clause.version,
    "~=": _compatible,
    "==": _equals,
    "!=": lambda clause, version: not _equals(clause, version),
    "<=": partial(_bounded, le),
    ">=": partial(_bounded, ge),
    "<": _below,
    ">": _above,
}
