"""Entries: what can be wrong, and the messages that tell of it. Loaded from `messages/*.yaml`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackcheck.diagnose.explain.template import Template
from stackcheck.errors import StackCheckError
from stackcheck.knowledge.cache import compiled
from stackcheck.knowledge.source import Source
from stackcheck.model.record import record

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

__all__ = ["Catalogue", "Entry", "Message", "MessagesError"]

SCHEMA = "stackcheck.messages/1"


class MessagesError(StackCheckError):
    """The shipped messages are damaged: says where."""


@record(frozen=True)
class Message:
    """Words that tell of an entry: every one of `parts` occurs in the text.

    `weight` is 10 for a message that only this can print, 7 for what it typically prints, 4 for what it may print,
    2 for words that merely hint at it.
    """

    parts: tuple[Template, ...]
    weight: float
    source: str = ""
    unless: tuple[Template, ...] = ()
    """Words that say it is something else."""
    needs: tuple[str, ...] = ()
    """Circumstances of which one must hold."""
    context: Mapping[str, float] = field(default_factory=dict)
    """Circumstances that make it likelier or less likely, added to the weight."""


@record(frozen=True)
class Entry:
    """One thing that can be wrong (or look wrong), under its code."""

    code: str
    reason: str
    title: str
    why: str
    confirm: str
    fix: str
    source: str
    messages: tuple[Message, ...] = ()
    context: Mapping[str, float] = field(default_factory=dict)
    """Circumstances that change its rank once a message told of it."""
    inferred: Mapping[str, float] = field(default_factory=dict)
    """Circumstances that alone make it a candidate, with their weight."""
    follows: tuple[str, ...] = ()
    """Entries of which this one is a consequence."""

    @property
    def layer(self) -> str:
        """`DR` of `DR-01`."""
        return self.code.partition("-")[0]

    @property
    def benign(self) -> bool:
        """Whether it looks like a failure and is none."""
        return self.layer == "FA"


class Catalogue:
    """All entries, the circumstances' words, and how people write GPUs. Read when asked."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder

    @cached_property
    def _documents(self) -> dict[str, dict[str, Any]]:
        """The files by name: parsed, or as they were compiled when they last changed."""
        files = sorted(self._folder.iterdir(), key=lambda file: file.name)
        sources = [Source("messages", f.name, f, 0) for f in files if f.name.endswith(".yaml")]
        documents: dict[str, dict[str, Any]] = compiled(
            "messages", sources, lambda: {source.name: _read(source) for source in sources}
        )
        return documents

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Entries by code."""
        entries: dict[str, Entry] = {}
        for name, document in self._documents.items():
            for code, fields in document["entries"].items():
                if code in entries:
                    raise MessagesError(f"messages/{name}: {code} is there twice")
                try:
                    entries[code] = _entry(code, fields)
                except (KeyError, TypeError, ValueError) as error:
                    raise MessagesError(f"messages/{name}: {code}: {error!r}") from error
        return entries

    @cached_property
    def circumstances(self) -> dict[str, tuple[Template, ...]]:
        """Words that show a circumstance (`wsl`, `container`), by its name."""
        return {
            name: tuple(Template(text) for text in texts)
            for document in self._documents.values()
            for name, texts in document["circumstances"].items()
        }

    @cached_property
    def generations(self) -> list[tuple[str, int]]:
        """Regular expressions for GPUs as people write them, with the compute capability times ten."""
        return [
            (pattern, int(capability))
            for document in self._documents.values()
            for pattern, capability in document["generations"].items()
        ]


def _read(source: Source) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(source.file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise MessagesError(f"messages/{source.name}: {error}") from error
    if document.get("schema") != SCHEMA:
        raise MessagesError(f"messages/{source.name}: schema is not {SCHEMA}")
    return {part: document.get(part, {}) for part in ("entries", "circumstances", "generations")}


def _entry(code: str, fields: Mapping[str, Any]) -> Entry:
    return Entry(
        code=code,
        reason=fields["reason"],
        title=fields["title"],
        why=fields.get("why", ""),
        confirm=fields["confirm"],
        fix=fields["fix"],
        source=fields["source"],
        messages=tuple(_messages(fields.get("messages", ()))),
        context=fields.get("context", {}),
        inferred=fields.get("inferred", {}),
        follows=tuple(fields.get("follows", ())),
    )


def _messages(rows: Any) -> Iterator[Message]:
    for row in rows:
        match = row["match"]
        parts = (match,) if isinstance(match, str) else match
        yield Message(
            parts=tuple(Template(part) for part in parts),
            weight=float(row["weight"]),
            source=row.get("source", ""),
            unless=tuple(Template(part) for part in row.get("unless", ())),
            needs=tuple(row.get("needs", ())),
            context=row.get("context", {}),
        )
