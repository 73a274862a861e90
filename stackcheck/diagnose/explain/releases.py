"""Framework releases that a text names, and the builds that people get of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stackcheck.model.record import record

if TYPE_CHECKING:
    from stackcheck.knowledge.knowledge import Knowledge
    from stackcheck.model.build import Build

__all__ = ["Release", "build_of", "read_releases"]

_RELEASE = re.compile(
    r"(?<![a-z0-9_\-/])(torch|pytorch|tensorflow(?:[_-]gpu)?|tf|jax|jaxlib|paddlepaddle(?:-gpu)?|mxnet|cupy)"
    r"(?: ?(?:version|==|=|:|-|@|\())* ?v?(\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)(?![\d.]*\.?dev)(?:\+(cu\d{2,3}|cpu))?"
)
_PLATFORM = "linux-x86_64"
_CHANNELS = ("pypi", "pytorch")
"""What pip gives to someone who names nothing, then the project's own index."""


@record(frozen=True)
class Release:
    """A release as written: `label` is `cu118`, `cpu`, or empty where nothing was said."""

    name: str
    version: str
    label: str = ""


def read_releases(lowered: str) -> tuple[Release, ...]:
    """Find the releases that a text in lower case names."""
    return tuple(
        dict.fromkeys(
            Release(found[1].replace("jaxlib", "jax").replace("_", "-"), found[2], found[3] or "")
            for found in _RELEASE.finditer(lowered)
        )
    )


def build_of(
    release: Release, cudas: Iterable[tuple[int, int]], knowledge: Knowledge
) -> Build | None:
    """Return the GPU build that somebody with this release has: of the CUDA said, else what pip gives by default."""
    name = knowledge.name(release.name)
    if name is None or release.label == "cpu":
        return None
    candidates = [
        build
        for build in knowledge.builds(name.framework)
        if build.is_gpu
        and build.platform == _PLATFORM
        and build.channel in _CHANNELS
        and f"{build.version}.".startswith(f"{release.version}.")
    ]
    if release.label:
        candidates = [build for build in candidates if build.build == release.label]
    said = [
        build
        for build in candidates
        if build.cuda and (build.cuda.major, build.cuda.minor) in set(cudas)
    ]
    return min(
        said or candidates,
        key=lambda build: (_CHANNELS.index(build.channel), not build.default, build.version),
        default=None,
    )
