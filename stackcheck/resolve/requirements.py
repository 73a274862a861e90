"""SPEC: what users ask for, `NAME[+BUILD][SPECIFIER]` or as pip writes it."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from stackcheck.errors import InputError
from stackcheck.model.name import normalise_name
from stackcheck.model.plan import Requirement
from stackcheck.model.specifier import InvalidSpecifier, clauses_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["merge_requirements", "parse_requirement", "parse_requirements"]

_SPEC = re.compile(
    r"""\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)
        \s*(?:\[(?P<extras>[^\]]*)\])?
        \s*(?:\+(?P<build>[A-Za-z0-9._-]+))?
        \s*(?P<specifier>(?:[~<>=!]=?|===).*)?\s*$""",
    re.VERBOSE,
)
_LOCAL = re.compile(r"^==\s*(?P<version>[^+,\s]+)\+(?P<build>[A-Za-z0-9.]+)$")
_BUILD = re.compile(r"cpu|(?:cu|cuda)[0-9]+(?:\.[0-9]+)?x?(?:[-_](?:local|pip))?|rocm[0-9.]*|xpu")
_BACKENDS = {
    "jax": "jax",
    "torch": "pytorch",
    "pytorch": "pytorch",
    "tensorflow": "tensorflow",
    "theano": "theano",
}


def parse_requirements(texts: Iterable[str], knowledge: Knowledge) -> tuple[Requirement, ...]:
    """Parse every SPEC. Raises `InputError` with all faults at once."""
    parsed: list[Requirement] = []
    faults: list[str] = []
    for text in texts:
        try:
            parsed.append(parse_requirement(text, knowledge))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    return tuple(parsed)


def parse_requirement(text: str, knowledge: Knowledge, place: str = "") -> Requirement:
    """Parse one SPEC. Raises `InputError`, naming the place and, for a misspelt name, the nearest ones."""
    where = f"{place}: " if place else ""
    found = _SPEC.match(text)
    if not found:
        raise InputError(
            f"{where}{text!r} is no SPEC: write NAME[+BUILD][SPECIFIER], for example `pytorch+cu126==2.7.*`"
        )
    specifier = (found["specifier"] or "").replace(" ", "")
    build = (found["build"] or "").lower()
    if local := _LOCAL.match(specifier):
        specifier, build = f"=={local['version']}", local["build"].lower()
    try:
        clauses_of(specifier)
    except InvalidSpecifier:
        raise InputError(
            f"{where}{text!r}: {specifier!r} is no version specifier; write for example `==2.7.1`, `==2.7.*` or `>=2.4`"
        ) from None
    extras = [
        extra.strip().lower() for extra in (found["extras"] or "").split(",") if extra.strip()
    ]
    return _normalise(text, found["name"], extras, build, specifier, knowledge, place)


def merge_requirements(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Join several requirements on one name into one that asks for all of it; a file and a SPEC often name the same.

    A backend that an extra chooses (`keras[jax]`) is a requirement of its own, unless it is there already. Raises
    `InputError` where two ask for builds that exclude each other.
    """
    merged: dict[str, Requirement] = {}
    faults: list[str] = []
    for each in requirements:
        known = merged.get(each.name)
        if known is None:
            merged[each.name] = each
            continue
        if each.distribution != known.distribution:
            # `cupy-cuda12x` and `cupy-cuda13x` are two packages; whether they live together is for the rules
            merged[each.distribution] = replace(each, name=each.distribution, is_framework=False)
            continue
        builds = sorted({known.build, each.build}, key=len)
        if not builds[-1].startswith(builds[0]):
            faults.append(
                f"{known.text} and {each.text} ask for two builds of {each.name}; leave one out"
            )
            continue
        specifier = ",".join(dict.fromkeys(filter(None, (known.specifier, each.specifier))))
        merged[each.name] = replace(
            known,
            text=f"{known.text}, {each.text}" if known.text != each.text else known.text,
            specifier=specifier,
            build=builds[-1],
            distribution=known.distribution or each.distribution,
            backend=known.backend or each.backend,
        )
    if faults:
        raise InputError(*faults)
    for each in tuple(merged.values()):
        if each.backend and each.backend not in merged:
            merged[each.backend] = Requirement(
                f"{each.backend} (backend of {each.text})",
                each.backend,
                is_framework=True,
                place=each.place,
            )
    return tuple(merged.values())


def _normalise(
    text: str,
    name: str,
    extras: list[str],
    build: str,
    specifier: str,
    knowledge: Knowledge,
    place: str,
) -> Requirement:
    where = f"{place}: " if place else ""
    known = knowledge.name(normalise_name(name))
    if known is None:
        _refuse_misspelling(text, name, knowledge, where)
        return Requirement(
            text, normalise_name(name), is_framework=False, specifier=specifier, place=place
        )
    backend = ""
    for extra in extras:
        label = extra.replace("_", "-")
        if known.framework == "keras" and extra in _BACKENDS:
            backend = _BACKENDS[extra]
        elif _BUILD.fullmatch(label) and not build:
            build = label
    if build and not _BUILD.fullmatch(build):
        raise InputError(
            f"{where}{text!r}: {build!r} is no build; write cpu, or cu or cuda and digits (cu126, cuda12)"
        )
    return Requirement(
        text,
        known.framework,
        is_framework=True,
        specifier=specifier,
        build=build or known.build,
        backend=backend,
        distribution=known.distribution,
        extras=tuple(extra.replace("_", "-") for extra in extras),
        place=place,
    )


def _refuse_misspelling(text: str, name: str, knowledge: Knowledge, where: str) -> None:
    """Raise where the name is a letter off one that the knowledge has; another name is a package of its own."""
    wanted = normalise_name(name)
    names = knowledge.known_names()
    if wanted in names:
        return
    near = get_close_matches(wanted, names, n=3, cutoff=0.8)
    near = [other for other in near if _distance_is_small(wanted, other)]
    if near:
        choices = ", ".join(f"`{other}`" for other in near)
        raise InputError(
            f"{where}{text!r}: no framework or package {name!r} is known; did you mean {choices}?"
        )


def _distance_is_small(left: str, right: str) -> bool:
    """Whether one letter was added, lost or changed, or two neighbours swapped."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    rest_left, rest_right = left[start:], right[start:]
    return (
        rest_left[1:] == rest_right[1:]
        or rest_left[1:] == rest_right
        or rest_left == rest_right[1:]
        or (rest_left[:2] == rest_right[1::-1] and rest_left[2:] == rest_right[2:])
    )
