"""A framework's releases, which share values, written out to one row per build, channel and platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stackcheck.model.build import Build, RowEvidence
from stackcheck.model.version import Architecture, parse_version

__all__ = ["build_of_row", "expand"]

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


def build_of_row(row: Mapping[str, Any]) -> Build:
    """Make the build of an expanded row; a key that is there and None is unknown."""
    architectures = row.get("architectures")
    return Build(
        framework=row["framework"],
        version=parse_version(row["version"]),
        cuda=_version(row, "cuda"),
        cuda_linkage=row.get("cuda_linkage") or "",
        cudnn=_version(row, "cudnn"),
        cudnn_linkage=row.get("cudnn_linkage") or "",
        nccl=_version(row, "nccl"),
        architectures=None
        if architectures is None
        else tuple(map(Architecture.parse, architectures.split())),
        requires_python=row.get("requires_python") or "",
        python_tags=tuple((row.get("python_tags") or "").split()),
        glibc=_version(row, "glibc"),
        numpy=row.get("numpy") or "",
        protobuf=row.get("protobuf") or "",
        requires=row.get("requires") or {},
        companions=row.get("companions") or {},
        default=bool(row.get("default")),
        yanked=bool(row.get("yanked")),
        jit=tuple((row.get("jit") or "").split()),
        evidence=tuple(RowEvidence(**item) for item in row.get("evidence") or ()),
        capability_max=_version(row, "capability_max"),
        build=row["build"],
        channel=row["channel"],
        platform=row["platform"],
        distribution=row["distribution"],
        install=row["install"],
        image=row.get("image") or "",
        released=row.get("released") or "",
        end_of_life=row.get("end_of_life") or "",
    )


def _version(row: Mapping[str, Any], key: str) -> Any:
    text = row.get(key)
    return parse_version(text) if text else None
