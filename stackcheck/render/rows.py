"""Rows of the knowledge, as tables that people read and documents that programs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stackcheck.model.build import Build

if TYPE_CHECKING:
    from rich.console import Console

    from stackcheck.knowledge.knowledge import Knowledge

__all__ = ["TABLES", "build_document", "count_rows", "print_rows", "table_document"]

TABLES: Mapping[str, tuple[Callable[[Any], Sequence[Any]], tuple[str, ...]]] = {
    "cuda": (
        lambda knowledge: knowledge.cuda,
        ("version", "driver_linux", "driver_windows", "ptx_isa"),
    ),
    "drivers": (lambda knowledge: knowledge.drivers, ("branch", "cuda", "kind", "end_of_life")),
    "architectures": (
        lambda knowledge: knowledge.architectures,
        ("name", "capability", "first_cuda", "last_cuda", "last_driver"),
    ),
    "gpus": (lambda knowledge: knowledge.gpus, ("name", "capability", "kind", "memory_gib")),
    "libraries": (
        lambda knowledge: [row for rows in knowledge.libraries.values() for row in rows],
        ("distribution", "version", "architectures"),
    ),
    "extensions": (
        lambda knowledge: knowledge.extensions,
        ("extension", "version", "framework", "requires"),
    ),
    "quirks": (lambda knowledge: knowledge.quirks, ("name", "framework", "versions", "reason")),
}
_COLUMNS = (
    "version",
    "build",
    "channel",
    "platform",
    "python",
    "cuda",
    "cuDNN",
    "architectures",
    "evidence",
)


def build_document(build: Build) -> dict[str, Any]:
    """Return one build in the form of the contract; null is unknown."""
    codes = build.architectures
    return {
        "framework": build.framework,
        "version": str(build.version),
        "build": build.build,
        "channel": build.channel,
        "platform": build.platform,
        "distribution": build.distribution,
        "cuda": _text(build.cuda),
        "cudnn": _text(build.cudnn),
        "nccl": _text(build.nccl),
        "architectures": None if codes is None else [str(code) for code in codes if not code.ptx],
        "ptx": None if codes is None else [str(code) for code in codes if code.ptx],
        "requires_python": build.requires_python or None,
        "python_tags": list(build.python_tags),
        "glibc": _text(build.glibc),
        "numpy": build.numpy or None,
        "default": build.default,
        "released": build.released or None,
        "install": build.install or None,
        "evidence": [asdict(row) for row in build.evidence],
    }


def table_document(name: str, knowledge: Knowledge) -> dict[str, Any]:
    """Return a framework's builds, or the rows of one of NVIDIA's tables."""
    if name not in TABLES:
        return {
            "framework": name,
            "builds": [build_document(build) for build in knowledge.builds(name)],
        }
    rows, columns = TABLES[name]
    return {
        "table": name,
        "builds": [],
        "rows": [
            {column: _text(getattr(row, column)) for column in columns} for row in rows(knowledge)
        ],
    }


def count_rows(knowledge: Knowledge) -> dict[str, int]:
    """Return how many rows each table has."""
    counts = {name: len(knowledge.builds(name)) for name in knowledge.frameworks}
    return {**counts, **{name: len(rows(knowledge)) for name, (rows, _) in TABLES.items()}}


def print_rows(name: str, knowledge: Knowledge, console: Console) -> None:
    """Print one table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    rows: list[list[str]]
    if name in TABLES:
        read, columns = TABLES[name]
        rows = [
            [_text(getattr(row, column)) or "" for column in columns] for row in read(knowledge)
        ]
    else:
        columns = _COLUMNS
        rows = [_cells(build) for build in knowledge.builds(name)]
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def _cells(build: Build) -> list[str]:
    tags = " ".join(tag.removeprefix("cp") for tag in build.python_tags) or build.requires_python
    codes = "unknown" if build.architectures is None else " ".join(map(str, build.architectures))
    kinds = ",".join(sorted({row.kind for row in build.evidence}))
    cuda = _text(build.cuda) or ("-" if not build.is_gpu else "unknown")
    return [
        str(build.version),
        build.build,
        build.channel,
        build.platform,
        tags,
        cuda,
        _text(build.cudnn) or "",
        codes,
        kinds,
    ]


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(dict(value)) if isinstance(value, Mapping) else str(value)
