"""CDI specifications: which files hold one, and what the rules read of it."""

from __future__ import annotations

import re

from stackcheck.model.fact import Known
from stackcheck.model.machine import Machine
from stackcheck.model.version import DriverVersion, Version, parse_version
from stackcheck.rules.observation import file_of
from stackcheck.rules.scope import NotApplicable

__all__ = ["CDI_FILES", "cdi_specification", "cdi_version", "drivers_in"]

CDI_FILES = ("/etc/cdi/nvidia.yaml", "/var/run/cdi/nvidia.yaml")


def cdi_specification(machine: Machine) -> Known[str] | None:
    """Return the first specification, None if there is none. Raises `Undecided` where one cannot be read."""
    if machine.host.container.get() is not None:
        raise NotApplicable("about the host, and this is a container")
    facts = [file_of(machine, path) for path in CDI_FILES]
    for fact in facts:
        if isinstance(fact, Known):
            return fact
    for fact in facts:
        fact.get()
    return None


def cdi_version(text: str) -> Version | None:
    """Return `cdiVersion`."""
    found = re.search(r"^cdiVersion:\s*[\"']?(\d+\.\d+\.\d+)", text, re.MULTILINE)
    return parse_version(found[1]) if found else None


def drivers_in(text: str) -> set[Version]:
    """Return the driver releases in the file names of the mounts."""
    return {
        DriverVersion(found)
        for found in re.findall(r"lib(?:cuda|nvidia-ml)\.so\.(\d{3}\.\d+(?:\.\d+)?)\b", text)
    }
