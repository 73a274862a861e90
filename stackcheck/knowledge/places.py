"""Where in a matrix file a value stands: only who has a fault to tell asks, so the file is read again for it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from stackcheck.knowledge.source import Source

__all__ = ["Places"]


class Places:
    """Lines of one file."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def of(self, path: Iterable[int | str]) -> str:
        """Return file and line of the value at `path`, or of as much of it as there is."""
        node = self._root
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            node = found
        return self._place(node)

    def of_row(self, number: int) -> str:
        """Return file and line of a row of a framework, counted as `expand` writes the rows out."""
        return self._place(self._rows[number])

    def _place(self, node: Any) -> str:
        return f"{self._source.place}:{node.start_mark.line + 1}" if node else self._source.place

    @cached_property
    def _root(self) -> Any:
        """The file as YAML nodes, by the parser that reads it: the one in C and the one in Python differ."""
        import yaml

        loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        return yaml.compose(self._source.file.read_text(encoding="utf-8"), Loader=loader)

    @cached_property
    def _rows(self) -> list[Any]:
        entries = [
            entry
            for release in _items(_child(self._root, "releases"))
            for entry in _items(_child(release, "builds"))
        ]
        return [
            entry
            for entry in entries
            for _ in _items(_child(entry, "channel"))
            for _ in _items(_child(entry, "platform"))
        ]


def _items(node: Any) -> list[Any]:
    """Return the members of a sequence; anything else is its only one."""
    return node.value if node is not None and isinstance(node.value, list) else [node]


def _child(node: Any, part: int | str) -> Any:
    """Return what a mapping has for a key, or a sequence at a place; None if it has nothing there."""
    for number, item in enumerate(node.value if isinstance(node.value, list) else ()):
        if isinstance(item, tuple):
            if item[0].value == part:
                return item[1]
        elif number == part:
            return item
    return None
