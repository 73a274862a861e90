"""What wheels say inside: GPU code, CUDA, and what they require on a platform."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from stackcheck.binary.contents import READERS, WheelContents, read_floors
from stackcheck.binary.wheel import Wheel
from stackcheck.knowledge.observation import ObservedRelease, tag_order
from stackcheck.model.record import record
from stackcheck.model.version import Version

__all__ = ["CAPPED", "Find", "Opened", "is_worth_keeping", "open_release", "requirements_of"]

Find = Callable[[str, Version, str], "ObservedRelease | None"]
"""Project, version and platform to the release on the index."""

CAPPED = ("numpy", "protobuf")
"""Distributions whose caps rows state in fields of their own."""

_PINNED = re.compile(r"nvidia-|cuda-toolkit$|cuda-bindings$|triton$|jaxlib$|tensorrt|setuptools$")
"""Requirements that rows keep; a plain `numpy` says nothing that `numpy:` does not."""
_SYSTEMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
}


@record(frozen=True)
class Opened:
    """An opened wheel's own words; no `pins` where no wheel has METADATA."""

    contents: WheelContents | None
    pins: Mapping[str, str] | None
    caps: Mapping[str, SpecifierSet]
    """What its Pythons may not go beyond, all of them: of NumPy and protobuf, whose C code it is compiled against."""


def open_release(
    release: ObservedRelease,
    own: ObservedRelease | None = None,
    extra: str = "",
    find: Find | None = None,
) -> Opened:
    """Open the newest wheel by ranged reads.

    `own` is the release of the distribution that users name, where its GPU code comes in the wheel of another
    (`jax[cuda12]`): its pins count too, and the extras that it asks of the other are followed. A wheel that only
    installs its like (`tensorflow` for Windows: `tensorflow-intel`) is followed by `find`. Raises `Unreachable`,
    `MalformedWheel`, `MalformedElf` or `MalformedFatbin`.
    """
    wheel = release.newest.file.open_wheel()
    name = release.distribution
    reader = READERS.get(re.sub(r"^(cupy-cuda|mxnet-cu)\d.*", r"\1", name))
    extras: Iterable[str] = (extra,)
    required: list[Requirement] = []
    pins: dict[str, str] = {}
    if own is not None and own.distribution != name:
        outer = own.newest.file.open_wheel()
        required = requirements_of(outer, release.platform, release.python_tags, extras) or []
        extras = {
            each
            for item in required
            if canonicalize_name(item.name) == name
            for each in item.extras
        }
        plain = requirements_of(outer, release.platform, release.python_tags) or ()
        stated = {canonicalize_name(item.name) for item in plain}
        floors = read_floors(own.distribution, outer)
        pins = {other: floor for other, floor in floors.items() if other not in stated}
    inner = requirements_of(wheel, release.platform, release.python_tags, extras)
    contents = reader(wheel) if reader else None
    is_stub = contents is not None and not contents.is_gpu
    stubbed = _follow(inner or (), release, find) if find and is_stub else ()
    everything = (*required, *(inner or ()), *stubbed)
    for item in everything:
        # An extra may narrow what is required anyway; rows state the latter.
        pins.setdefault(str(canonicalize_name(item.name)), str(item.specifier))
    return Opened(
        contents=contents,
        pins=None if inner is None else pins,
        caps={name: _caps(name, everything) for name in CAPPED},
    )


def _caps(name: str, required: Iterable[Requirement]) -> SpecifierSet:
    """Return the upper ends on which all of a wheel's requirements of a distribution agree."""
    found = [
        {each for each in item.specifier if each.operator in ("<", "<=", "==")}
        for item in required
        if canonicalize_name(item.name) == name
    ]
    return SpecifierSet(found[0].intersection(*found[1:]) if found else ())


def _follow(
    required: Iterable[Requirement], release: ObservedRelease, find: Find
) -> list[Requirement]:
    """Return what the distribution requires that a stub installs: one of its family in its own version."""
    family = release.distribution.partition("-")[0]
    found: list[Requirement] = []
    for item in required:
        name = str(canonicalize_name(item.name))
        if name.startswith(f"{family}-") and item.specifier == f"=={release.version}":
            partner = find(name, release.version, release.platform)
            if partner is not None:
                wheel = partner.newest.file.open_wheel()
                found += requirements_of(wheel, release.platform, release.python_tags) or ()
    return found


def is_worth_keeping(name: str, specifier: str) -> bool:
    """Tell whether rows state such a requirement even where nothing else makes them."""
    return bool(_PINNED.match(name)) and (bool(specifier) or name != "setuptools")


def requirements_of(
    wheel: Wheel, platform: str, tags: Iterable[str], extras: Iterable[str] = ()
) -> list[Requirement] | None:
    """Return what the wheel requires on the platform for any of the Pythons; None if it has no METADATA."""
    if wheel.find(".dist-info/METADATA") is None:
        return None
    environments = [_environment(platform, tag, extra) for tag in tags for extra in {"", *extras}]
    found = []
    for text in wheel.metadata().get_all("Requires-Dist") or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate(values) for values in environments):
            found.append(requirement)
    return found


def _environment(platform: str, tag: str, extra: str) -> dict[str, str]:
    """Return the values of a marker's variables there."""
    system, _, machine = platform.partition("-")
    major, minor, _ = tag_order(tag)
    return {
        **_SYSTEMS.get(system, _SYSTEMS["linux"]),
        "platform_machine": machine or "x86_64",
        "python_version": f"{major}.{minor}",
        "python_full_version": f"{major}.{minor}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": extra,
    }
