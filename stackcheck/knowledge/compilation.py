"""Matrix files validated, laid over one another and packed as plain data; all faults of a file at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stackcheck.errors import InputError
from stackcheck.knowledge.expansion import expand
from stackcheck.knowledge.fields import parse_day
from stackcheck.knowledge.packing import pack
from stackcheck.knowledge.places import Places
from stackcheck.knowledge.source import Source, read_tree
from stackcheck.model.version import parse_version

__all__ = [
    "FRAMEWORK_NAME",
    "KEYS",
    "compile_builds",
    "compile_heads",
    "compile_source",
    "compile_tables",
]

KEYS: dict[str, tuple[str, ...]] = {
    "builds": ("version", "build", "channel", "platform"),
    "drivers": ("branch",),
    "floors": ("cuda",),
    "cuda": ("version",),
    "architectures": ("capability",),
    "gpus": ("name",),
    "libraries": ("distribution", "versions", "platforms"),
    "cudnn_support": ("first",),
    "forward": ("cuda",),
    "systems": ("name",),
    "jetpacks": ("version",),
    "quirks": ("name",),
    "extensions": ("extension", "version", "requires", "builds", "platforms"),
}
"""Table to the fields that identify a row: where an overlay has the same, it replaces."""


FRAMEWORK_NAME = r"^[a-z][a-z0-9_-]*$"
"""It names a file of the cache, too."""


def compile_heads(sources: Iterable[Source]) -> list[dict[str, Any]]:
    """Return what stands above `releases:` in each framework file."""
    heads = []
    for source in sources:
        tree = read_tree(source, head=True)
        faults = [
            f"{source.place}: `{key}:` is missing"
            for key in ("framework", "distribution", "as_of")
            if not isinstance(tree.get(key), str) or not tree[key]
        ]
        if faults:
            raise InputError(*faults)
        if not re.match(FRAMEWORK_NAME, tree["framework"]):
            raise InputError(f"{source.place}: framework: {tree['framework']!r} is not a name")
        try:
            parse_day(tree["as_of"])
        except ValueError as error:
            raise InputError(f"{source.place}: as_of: {error}") from error
        head = {key: tree.get(key) for key in ("as_of", "framework", "title", "distribution")}
        names = tree.get("names")
        head["names"] = names if isinstance(names, dict) else {}
        heads.append(head)
    return heads


def compile_builds(sources: Iterable[Source]) -> dict[str, Any]:
    """Return the rows of a framework's files, packed, newest version first, those of later layers replacing."""
    merged = _lay_over([compile_source(source) for source in sources], "builds")
    rows = [row for row in merged if not row.pop("withdrawn", False)]
    rows.sort(key=lambda row: parse_version(row["version"]), reverse=True)
    return pack(rows)


def compile_tables(sources: Iterable[Source]) -> dict[str, Any]:
    """Return every table of the files, packed, and the day up to which the shipped ones hold."""
    sources = list(sources)
    documents = [compile_source(source) for source in sources]
    dates = [
        document["as_of"]
        for source, document in zip(sources, documents, strict=True)
        if source.layer == 0
    ]
    tables = {
        table: pack(_lay_over(documents, table))
        for table in KEYS
        if any(table in document for document in documents)
    }
    return {"as_of": min(dates, default=None), "tables": tables}


def _lay_over(documents: Iterable[Mapping[str, Any]], table: str) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for document in documents:
        for row in document.get(table, ()):
            rows[repr([row.get(key) for key in KEYS[table]])] = row
    return list(rows.values())


def compile_source(source: Source) -> dict[str, Any]:
    """Return the file's content as JSON data; a framework's releases are expanded to `builds`.

    Raises `InputError` with every fault.
    """
    data = _validate(source, read_tree(source))
    if source.folder == "frameworks":
        builds, faults = expand(data)
        if faults:
            raise InputError(*(f"{source.place}: {fault}" for fault in faults))
        data["builds"] = builds
        data.pop("releases", None)
    return data


def _validate(source: Source, tree: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import TypeAdapter, ValidationError

    from stackcheck.knowledge.document import DOCUMENTS

    kind = str(tree["schema"]).removeprefix("stackcheck.").partition("/")[0]
    if kind not in DOCUMENTS:
        raise InputError(f"{source.place}: no kind of matrix is called {kind!r}")
    adapter = TypeAdapter(DOCUMENTS[kind])
    try:
        document = adapter.validate_python(tree)
    except ValidationError as error:
        places = Places(source)
        raise InputError(
            *(
                f"{places.of(fault['loc'])}: {_where(fault['loc'])}{_message(fault)}"
                for fault in error.errors(include_url=False)
                if not _is_echo(fault)
            )
        ) from error
    data: dict[str, Any] = adapter.dump_python(
        document, mode="json", by_alias=True, exclude_unset=True
    )
    return data


def _is_echo(fault: Mapping[str, Any]) -> bool:
    """Tell whether another fault says it: a word where one or several may stand, a list whose members are all wrong."""
    kind, value = fault["type"], fault["input"]
    return (kind == "tuple_type" and isinstance(value, str)) or (
        kind == "too_short" and bool(value)
    )


def _message(fault: Mapping[str, Any]) -> str:
    if isinstance(fault["input"], str) and "evidence" in fault["loc"][-2:-1]:
        return f"`{fault['input']}` is not among the file's sources"
    if fault["type"] == "extra_forbidden":
        return "no such key"
    return str(fault["msg"]).removeprefix("Value error, ")


def _where(path: tuple[int | str, ...]) -> str:
    names = [part for part in path if isinstance(part, str) and "[" not in part]
    return f"{'.'.join(names)}: " if names else ""
