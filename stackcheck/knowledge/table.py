"""Rows as `matrix show` prints them: the contract's shape."""

from __future__ import annotations

from typing import Any

from stackcheck.knowledge.knowledge import Knowledge
from stackcheck.model.build import Build

__all__ = ["row_of_build", "show_rows"]


def show_rows(knowledge: Knowledge, framework: str) -> list[dict[str, Any]]:
    """Return the framework's rows, newest first. A value of None is unknown, or absent in a CPU build."""
    return [row_of_build(build) for build in knowledge.builds(framework)]


def row_of_build(build: Build) -> dict[str, Any]:
    """Return one row as JSON data."""
    architectures = build.architectures
    return {
        "framework": build.framework,
        "version": str(build.version),
        "build": build.build,
        "channel": build.channel,
        "platform": build.platform,
        "distribution": build.distribution,
        "cuda": _text(build.cuda),
        "cuda_linkage": build.cuda_linkage or None,
        "cudnn": _text(build.cudnn),
        "cudnn_linkage": build.cudnn_linkage or None,
        "nccl": _text(build.nccl),
        "architectures": None
        if architectures is None
        else [str(item) for item in architectures if not item.ptx],
        "ptx": None if architectures is None else [str(item) for item in architectures if item.ptx],
        "requires_python": build.requires_python or None,
        "python_tags": list(build.python_tags),
        "glibc": _text(build.glibc),
        "numpy": build.numpy or None,
        "protobuf": build.protobuf or None,
        "requires": dict(build.requires),
        "companions": dict(build.companions),
        "install": build.install,
        "image": build.image or None,
        "default": build.default,
        "yanked": build.yanked,
        "released": build.released or None,
        "end_of_life": build.end_of_life or None,
        "evidence": [
            {
                "kind": item.kind,
                "source": item.source,
                "checked": item.checked,
                **({"sha256": item.sha256} if item.sha256 else {}),
            }
            for item in build.evidence
        ],
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
