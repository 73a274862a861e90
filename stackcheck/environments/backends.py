"""Keras's backend: a framework beside it, and the variable that names it."""

from __future__ import annotations

from collections.abc import Iterable

from stackcheck.model.build import Build
from stackcheck.model.version import parse_version

__all__ = ["BACKENDS", "lacks_backend", "variables_of"]

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "pytorch": "torch"}
"""Framework to Keras's own name of it; Keras takes the first where nothing else is said."""

_FIRST_WITH_A_CHOICE = parse_version("3")


def lacks_backend(builds: Iterable[Build]) -> bool:
    """Whether Keras is among the builds and nothing that it could compute with: then not even its import works."""
    names = {build.framework for build in builds}
    return "keras" in names and not names & set(BACKENDS)


def variables_of(builds: Iterable[Build]) -> dict[str, str]:
    """Return the variables without which the builds do not work in one environment."""
    found = {build.framework: build.version for build in builds}
    names = [name for framework, name in BACKENDS.items() if framework in found]
    keras = found.get("keras")
    if keras is None or keras < _FIRST_WITH_A_CHOICE or not names or names[0] == "tensorflow":
        return {}
    return {"KERAS_BACKEND": names[0]}
