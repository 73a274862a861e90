"""Put consequences under their causes, and rank what remains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stackcheck.model.finding import Finding
from stackcheck.rules.layer import LAYERS

__all__ = ["fold", "rank"]

_GRAVITY = {"error": 0, "warning": 1, "info": 2}
_HEIGHT = {layer.prefix: height for height, layer in enumerate(LAYERS)}


def rank(finding: Finding) -> tuple[int, int, str]:
    """Return the sort key: gravest first, then from the board up."""
    height = _HEIGHT.get(finding.code.partition("-")[0], len(_HEIGHT))
    return (_GRAVITY[finding.severity], height, finding.code)


def fold(findings: Sequence[Finding], follows: Mapping[str, Sequence[str]]) -> tuple[Finding, ...]:
    """Return the root causes, ranked, each with what follows from it in `consequences`.

    `follows` names for each code the codes that explain it. A cause is as grave as the gravest of its consequences,
    since mending it is what mends them.
    """
    present = {finding.code: finding for finding in sorted(findings, key=rank, reverse=True)}
    below: dict[str, list[Finding]] = {}
    roots: list[Finding] = []
    for finding in sorted(findings, key=rank):
        cause = _root_of(finding.code, present, follows)
        if cause == finding.code:
            roots.append(finding)
        else:
            below.setdefault(cause, []).append(finding)
    folded = []
    for root in roots:
        consequences = below.get(root.code, ())
        if consequences and root is present[root.code]:
            gravest = min((root, *consequences), key=lambda finding: _GRAVITY[finding.severity])
            titles = tuple(f"{finding.code}: {finding.title}" for finding in consequences)
            root = replace(root, severity=gravest.severity, consequences=titles)  # noqa: PLW2901
        folded.append(root)
    return tuple(sorted(folded, key=rank))


def _root_of(
    code: str, present: Mapping[str, Finding], follows: Mapping[str, Sequence[str]]
) -> str:
    path = [code]
    while True:
        causes = [cause for cause in follows.get(path[-1], ()) if cause in present]
        if not causes:
            return path[-1]
        cause = min(causes, key=lambda cause: rank(present[cause]))
        if (
            cause in path
        ):  # rules of third parties may blame each other: the lowest of them stands for all
            return min(path[path.index(cause) :], key=lambda code: rank(present[code]))
        path.append(cause)
