"""Take out who and which machine it is, before a report is shown to strangers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from stackcheck.model.diagnosis import Diagnosis
from stackcheck.model.machine import Machine

__all__ = ["redact"]

T = TypeVar("T")

_HOME = re.compile(r"(/home/|/Users/|\\Users\\|/mnt/[a-z]/Users/)([^/\\\s:'\"]+)")
_UUID = re.compile(
    r"\b(GPU-|MIG-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE
)
_WORDS_OF_OURS = {"root", "localhost", "user", "linux", "ubuntu", "docker", "nvidia", "gpu", "cuda"}
"""Names that say nothing of anybody; replacing them would spoil the report's own words."""
_VARIABLES = ("USER", "LOGNAME", "HOSTNAME", "SLURMD_NODENAME", "SLURM_JOB_USER")
_LITERALS = {
    "state",
    "severity",
    "status",
    "outcome",
    "code",
    "reason",
    "layer",
    "schema",
    "platform",
    "engine",
}
"""Fields whose values are words of the contract, whatever a host is called; `reason` of a fact is prose, and none of
these holds a name."""


def redact(diagnosis: Diagnosis) -> Diagnosis:
    """Return the diagnosis with the values of names, hosts, serials and UUIDs replaced, and no key changed."""
    names = _names(diagnosis.machine)
    pattern = re.compile(
        r"(?<![\w.-])("
        + "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        + r")(?![\w-])"
    )

    def clean(text: str) -> str:
        text = _HOME.sub(r"\1REDACTED", text)
        text = _UUID.sub(lambda found: f"{found[1] or ''}REDACTED", text)
        return pattern.sub("REDACTED", text) if names else text

    return _walk(diagnosis, clean)


def _names(machine: Machine) -> set[str]:
    """Return what identifies this machine and its user, long enough not to be part of anything else."""
    values = [machine.host.hostname.peek()]
    values += [gpu.serial.peek() for gpu in machine.gpus.peek() or ()]
    variables = machine.host.variables.peek() or {}
    values += [variables.get(name) for name in _VARIABLES]
    environment = machine.environment.peek()
    for text in (environment.prefix if environment else "", *variables.values()):
        values += [found[2] for found in _HOME.finditer(text)]
    names = {value for value in values if value}
    names |= {name.partition(".")[0] for name in names}
    return {name for name in names if len(name) > 2 and name.lower() not in _WORDS_OF_OURS}


def _walk(value: T, clean: Any) -> T:
    changed: Any = value
    if isinstance(value, str):
        changed = clean(value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = replace(
            value,
            **{
                entry.name: _walk(getattr(value, entry.name), clean)
                for entry in fields(value)
                if entry.name not in _LITERALS or _is_prose(value, entry.name)
            },
        )
    elif isinstance(value, Mapping):
        changed = {key: _walk(entry, clean) for key, entry in value.items()}
    elif isinstance(value, tuple):
        changed = tuple(_walk(entry, clean) for entry in value)
    return changed  # type: ignore[no-any-return]


def _is_prose(owner: object, name: str) -> bool:
    """Tell an unknown fact's reason, which may quote a path, from a finding's slug; a host's platform is a fact."""
    return (name == "reason" and hasattr(owner, "unstated")) or is_dataclass(getattr(owner, name))
