"""PY-16: the release has no wheel for this Python."""

from __future__ import annotations

import re
from functools import lru_cache

from stackcheck.model.build import Build
from stackcheck.model.finding import Evidence, Finding, Fix
from stackcheck.model.specifier import admits
from stackcheck.model.version import Version, parse_version
from stackcheck.rules.rule import BuildRule, Situation

__all__ = ["RULE", "pythons_of", "supports_python"]

_TAG = re.compile(r"(cp|py|pp)(\d)(\d*)(t?)")


def supports_python(build: Build, python: Version) -> bool:
    """Tell whether a build has a file for a Python; tags decide, metadata where there are none."""
    return _serves(build.requires_python, build.python_tags, python)


@lru_cache(maxsize=8192)
def _serves(stated: str, tags: tuple[str, ...], python: Version) -> bool:
    if stated and not admits(stated, python):
        # "3.9" means any 3.9: a floor of 3.9.1 is no reason against it
        last = parse_version(f"{python.major}.{python.minor}.99")
        if len(python.release) > 2 or not admits(stated, last):
            return False
    return not tags or any(_fits(tag, python) for tag in tags)


def _fits(tag: str, python: Version) -> bool:
    abi3 = tag.endswith("-abi3")
    found = _TAG.fullmatch(tag.removesuffix("-abi3"))
    if not found or found[4]:
        return False
    major, minor = int(found[2]), int(found[3] or 0)
    if major != python.major:
        return False
    if found[1] == "py":
        return python.minor >= minor
    return python.minor >= minor if abi3 else python.minor == minor


def pythons_of(build: Build) -> tuple[str, ...]:
    """Return the Python minor versions that a build's tags name, newest first, `("3.12", "3.11")`."""
    found = {
        (int(match[2]), int(match[3]))
        for tag in build.python_tags
        if (match := _TAG.fullmatch(tag)) and match[3]
    }
    return tuple(f"{major}.{minor}" for major, minor in sorted(found, reverse=True))


def judge(build: Build, situation: Situation) -> Finding | None:
    """Judge the Python against the wheels of the build."""
    python = situation.python.get()
    if python is None or supports_python(build, python):
        return None
    pythons = pythons_of(build)
    have = (
        f"wheels for Python {', '.join(reversed(pythons))}"
        if pythons
        else f"Requires-Python {build.requires_python}"
    )
    return RULE.finding(
        f"{build.label} has no wheel for Python {python.major}.{python.minor}: it has {have}",
        evidence=(
            Evidence("Python", str(python), situation.python.source),
            Evidence(build.label, have, build.evidence[0].source if build.evidence else "metadata"),
        ),
        cause="Compiled packages are built for each Python minor version; a release knows those of its day.",
        fix=Fix(
            f"Use Python {pythons[0]}"
            if pythons
            else f"Use a Python that satisfies {build.requires_python}",
            (f"uv venv --python {pythons[0]}",) if pythons else (),
        ),
        subject=build.label,
    )


RULE = BuildRule(
    code="PY-16",
    reason="python-version-unsupported",
    layer="python",
    title="no wheel for this Python",
    explanation="Installers offer only files whose tag fits the interpreter. On a Python that is too new or too old for"
    " a release it finds nothing, falls back to an older release, or builds from source.",
    messages=(
        "Could not find a version that satisfies the requirement torch (from versions: none)",
    ),
    source="cupy/cupy#6833; tensorflow/tensorflow#110956",
    judge=judge,
)
