"""A framework's releases, which share values, written out to one row per build, channel and platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stackcheck.knowledge.packing import instance_of
from stackcheck.model.build import Build, RowEvidence
from stackcheck.model.version import Architecture, Version, parse_version

__all__ = ["BUILD_DECODERS", "build_of_row", "expand"]

_OWN = ("build", "channel", "platform", "use", "withdrawn", "version", "builds")


def expand(document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a validated framework document, and what is wrong with them."""
    sets = document.get("sets", {})
    defaults = document.get("defaults", {})
    faults: list[str] = []
    expanded = []
    for release in document.get("releases", ()):
        base = _merge(defaults, *_used(release, sets, faults), _values(release))
        for entry in release["builds"]:
            values = _merge(base, *_used(entry, sets, faults), _values(entry))
            for channel, platform in _places(entry):
                row = {
                    "framework": document["framework"],
                    "version": release["version"],
                    "build": entry["build"],
                    "channel": channel,
                    "platform": platform,
                    "distribution": document["distribution"],
                    **values,
                }
                if entry.get("withdrawn"):
                    row["withdrawn"] = True
                _narrow(row)
                row["install"] = _install(row, document.get("install", {}), faults)
                expanded.append(row)
    return expanded, list(dict.fromkeys(faults))


def _narrow(row: dict[str, Any]) -> None:
    """Drop what a release says of its builds at large and this one has not."""
    if row["build"] == "cpu":
        row.update(architectures="", jit="")
    if not row["platform"].startswith(("linux", "jetson")):
        row.pop("glibc", None)


def _places(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    channels, platforms = entry["channel"], entry["platform"]
    for channel in [channels] if isinstance(channels, str) else channels:
        for platform in [platforms] if isinstance(platforms, str) else platforms:
            yield channel, platform


def _values(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in _OWN}


def _used(
    entry: Mapping[str, Any], sets: Mapping[str, Mapping[str, Any]], faults: list[str]
) -> list[Mapping[str, Any]]:
    names = entry.get("use", ())
    faults.extend(f"no set is called `{name}`" for name in names if name not in sets)
    return [sets[name] for name in names if name in sets]


def _merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict) and isinstance(merged.get(key), dict):
                merged[key] = {**merged[key], **value}
            else:
                merged[key] = value
    return merged


def _install(row: Mapping[str, Any], templates: Mapping[str, str], faults: list[str]) -> str:
    """Fill in the command of the row, of its channel and CPU builds, or of its channel."""
    keys = [row["channel"]]
    if row["build"] == "cpu":
        keys.insert(0, f"{row['channel']}/cpu")
    template = row.get("install") or next((templates[key] for key in keys if key in templates), "")
    companions: Mapping[str, str] = row.get("companions") or {}
    cuda = row.get("cuda") or ""
    values = {
        "distribution": row["distribution"],
        "version": row["version"],
        "build": row["build"],
        "cuda": ".".join(cuda.split(".")[:2]),
        "cuda_major": cuda.partition(".")[0],
        "cuda_digits": "".join(cuda.split(".")[:2]),
        "companions": "".join(f" {name}=={version}" for name, version in companions.items()),
        "local_companions": "".join(
            f" {name}=={version}+{row['build']}" for name, version in companions.items()
        ),
        "conda_companions": "".join(f" {name}={version}" for name, version in companions.items()),
    }
    values.update({name: version for name, version in companions.items() if name not in values})
    try:
        return template.format_map(values)
    except (KeyError, ValueError, IndexError) as error:
        faults.append(f"install template {template!r}: {error} is not among {', '.join(values)}")
        return ""


def _text(value: str | None) -> str:
    return value or ""


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(text.split()) if text else ()


def _version(text: str | None) -> Version | None:
    return parse_version(text) if text else None


def _architectures(text: str | None) -> tuple[Architecture, ...] | None:
    return None if text is None else tuple(map(Architecture.parse, text.split()))


def _evidence(items: list[dict[str, str]] | None) -> tuple[RowEvidence, ...]:
    return tuple([instance_of(RowEvidence, {"sha256": "", **item}) for item in items or ()])


def _mapping(items: Mapping[str, str] | None) -> Mapping[str, str]:
    return items or {}


BUILD_DECODERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        (
            "framework",
            "build",
            "channel",
            "platform",
            "distribution",
            "install",
            "image",
            "released",
            "end_of_life",
            "requires_python",
            "numpy",
            "protobuf",
            "cuda_linkage",
            "cudnn_linkage",
        ),
        _text,
    ),
    **dict.fromkeys(("cuda", "cudnn", "nccl", "glibc", "capability_max"), _version),
    **dict.fromkeys(("python_tags", "jit"), _words),
    **dict.fromkeys(("requires", "companions"), _mapping),
    **dict.fromkeys(("default", "yanked"), bool),
    "version": parse_version,
    "architectures": _architectures,
    "evidence": _evidence,
}
"""Field of a `Build` to what makes its value of the expanded row's; None there is unknown."""


def build_of_row(row: Mapping[str, Any]) -> Build:
    """Make the build of an expanded row."""
    return Build(**{field: BUILD_DECODERS[field](value) for field, value in row.items()})
