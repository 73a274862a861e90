"""`machine.yaml`, which gives what the files of a tree cannot: environment, user, limits, mounts, nodes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackcheck.errors import InputError

__all__ = ["read_given"]

_MAPPINGS = ("environment", "uname", "limits", "mounts", "nodes", "services", "versions")
_NUMBERS = ("uid",)
_MOUNT: dict[str, type | tuple[type, ...]] = {
    "total": int,
    "free": int,
    "free_inodes": int,
    "noexec": bool,
    "writable": bool,
}
_NODE: dict[str, type | tuple[type, ...]] = {
    "major": int,
    "minor": int,
    "mode": (int, str),
    "owner": int,
    "group": int,
    "usable": bool,
}


def read_given(path: Path) -> Mapping[str, Any]:
    """Return the document, empty where there is none. Raises `InputError` with every fault."""
    if not path.exists():
        return {}
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"{path}: a mapping is needed, and this is {type(document).__name__}")
    faults = [
        f"{path}: {name}: a mapping is needed"
        for name in _MAPPINGS
        if not isinstance(document.get(name, {}), dict)
    ]
    faults += [
        f"{path}: {name}: a whole number is needed, and this is {document[name]!r}"
        for name in _NUMBERS
        if name in document and not isinstance(document[name], int)
    ]
    groups = document.get("groups", [])
    if not isinstance(groups, list) or not all(isinstance(group, int) for group in groups):
        faults.append(f"{path}: groups: a list of whole numbers is needed")
    faults += _faults_inside(path, document)
    if faults:
        raise InputError(*faults)
    return {str(name): value for name, value in document.items()}


def _faults_inside(path: Path, document: dict[str, Any]) -> list[str]:
    """Name the entries of `limits`, `mounts` and `nodes` that are not of their kind."""
    faults = []
    limits = document.get("limits", {})
    for name, value in limits.items() if isinstance(limits, dict) else ():
        if value != "unlimited" and not isinstance(value, int):
            faults.append(f"{path}: limits: {name}: a whole number or `unlimited` is needed")
    for section, words in (("mounts", _MOUNT), ("nodes", _NODE)):
        entries = document.get(section, {})
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if entry is None and section == "nodes":
                continue
            if not isinstance(entry, dict):
                faults.append(f"{path}: {section}: {name}: a mapping is needed")
                continue
            for word, value in entry.items():
                if word not in words:
                    faults.append(f"{path}: {section}: {name}: {word}: no such entry")
                elif not isinstance(value, words[word]) or not _is_octal(word, value):
                    faults.append(f"{path}: {section}: {name}: {word}: is {value!r}")
    return faults


def _is_octal(word: str, value: object) -> bool:
    if word != "mode" or not isinstance(value, str):
        return True
    return value != "" and set(value) <= set("01234567")
