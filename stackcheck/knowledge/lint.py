"""The check of the matrices themselves: schema, keys, order, references, evidence; all faults at once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from stackcheck.errors import InputError
from stackcheck.knowledge.compilation import compile_source
from stackcheck.knowledge.places import Places
from stackcheck.knowledge.source import Source, find_sources, shipped
from stackcheck.model.version import Version, cuda_of_build, parse_version

__all__ = ["lint"]

_KINDS = ("wheel", "doc", "report")
_SHA256 = re.compile(r"[0-9a-f]{64}$")
_FOLDERS = {"framework": "frameworks", "nvidia": "nvidia", "extension": "extensions", "quirks": ""}
_ORDER = {
    "drivers": "branch",
    "cuda": "version",
    "architectures": "capability",
    "forward": "cuda",
    "jetpacks": "version",
}
_CAPABILITY = re.compile(r"\d{1,2}\.\d$")
_FORWARD = ("compatible", "not-needed", "incompatible")

_WITHOUT_OWN_CODE = ("any", "source")
"""Labels of pure Python, whose GPU code is that of a backend, and of what is compiled on the spot."""

Document = Mapping[str, Any]
Fault = tuple[int | tuple[int | str, ...], str]
"""Where it is, the number of a framework's row or a path into the file, and what is wrong."""


def lint(directory: Path | None = None) -> list[str]:
    """Return every fault of the shipped matrices, or of a folder laid out like them, each with its place.

    Raises `InputError` if `directory` is no folder.
    """
    if directory is not None and not directory.is_dir():
        raise InputError(f"{directory}: no such folder of matrices")
    sources = find_sources(base=directory or shipped())
    faults: list[str] = []
    documents: list[tuple[Source, Document]] = []
    for source in sources:
        try:
            document = compile_source(source)
        except InputError as error:
            faults += error.faults
            continue
        documents.append((source, document))
        places = Places(source)
        faults += (
            f"{places.of_row(path) if isinstance(path, int) else places.of(path)}: {fault}"
            for path, fault in _document_faults(source, document)
        )
    faults += _shared_faults(documents)
    return faults


def _document_faults(source: Source, document: Document) -> Iterator[Fault]:
    kind = str(document["schema"]).removeprefix("stackcheck.").partition("/")[0]
    if _FOLDERS[kind] != source.folder:
        yield ("schema",), f"a {kind} matrix belongs in {_FOLDERS[kind] or 'the top folder'}"
    if dt.date.fromisoformat(document["as_of"]) > dt.datetime.now(tz=dt.timezone.utc).date():
        yield ("as_of",), f"as_of {document['as_of']} lies in the future"
    if kind == "framework":
        yield from _framework_faults(source, document)
    for table, rows in document.items():
        if isinstance(rows, list) and table != "builds":
            yield from _table_faults(table, rows)
    yield from _unused_sources(document)


def _framework_faults(source: Source, document: Document) -> Iterator[Fault]:
    if document["framework"] != source.stem:
        yield (
            ("framework",),
            f"framework {document['framework']} does not fit the file's name",
        )
    seen: set[tuple[str, ...]] = set()
    defaults: set[tuple[str, ...]] = set()
    last: Version | None = None
    for number, row in enumerate(document["builds"]):
        place = f"{row['version']}+{row['build']} on {row['channel']}, {row['platform']}"
        key = tuple(str(row[name]) for name in ("version", "build", "channel", "platform"))
        if key in seen:
            yield number, f"{place}: stands here twice"
        seen.add(key)
        if row.get("default"):
            choice = (key[0], key[2], key[3], str(row["distribution"]))
            if choice in defaults:
                yield number, f"{place}: a second default of its channel, platform and distribution"
            defaults.add(choice)
        version = parse_version(row["version"])
        if last is not None and version > last:
            yield number, f"{place}: out of order, newest first"
        last = version
        yield from ((number, f"{place}: {fault}") for fault in _build_faults(row, document))


def _build_faults(row: Document, document: Document) -> Iterator[str]:
    yield from _evidence_faults(row.get("evidence") or ())
    if row["build"] == "cpu":
        yield from (
            f"a CPU build has no {name}" for name in ("cuda", "cudnn", "nccl") if row.get(name)
        )
    elif row["build"] not in _WITHOUT_OWN_CODE:
        yield from _gpu_build_faults(row)
    if row["channel"] not in ("docker", "source") and not row["install"]:
        yield "no install command for its channel"
    if document.get("as_of", "") < str(row.get("released") or ""):
        yield f"released {row['released']}, after the file's as_of"


def _gpu_build_faults(row: Document) -> Iterator[str]:
    named, cuda = cuda_of_build(row["build"]), row.get("cuda")
    if "cuda" not in row:
        yield "no cuda; write `unknown` if nobody could source it"
    elif named and cuda and parse_version(cuda).release[:2] != named.release[:2]:
        yield f"cuda {cuda} does not fit the label"
    if "architectures" not in row:
        yield "no architectures; write `unknown` if nobody could source them"
    elif row["architectures"] == "":
        yield "an empty list of architectures"
    words = (row.get("architectures") or "").split()
    if len(set(words)) != len(words):
        yield f"an architecture stands twice in {row['architectures']!r}"
    cudnn = row.get("cudnn")
    pins = (row.get("requires") or {}).items()
    pin = next((value for name, value in pins if "cudnn" in name), "")
    if cudnn and pin.startswith("==") and pin[2:] != cudnn:
        yield f"cudnn {cudnn} is not the pin {pin}"


def _table_faults(table: str, rows: Iterable[Document]) -> Iterator[Fault]:
    seen: set[str] = set()
    last: Any = None
    for number, row in enumerate(rows):
        path = (table, number)
        place = f"{table} {_name(table, row)}"
        if (name := _name(table, row)) in seen:
            yield path, f"{place}: stands here twice"
        seen.add(name)
        yield from (
            (path, f"{place}: {fault}") for fault in _evidence_faults(row.get("evidence") or ())
        )
        if table in _ORDER:
            value = parse_version(str(row[_ORDER[table]]))
            if last is not None and value > last:
                yield path, f"{place}: out of order, newest first"
            last = value
        yield from (
            (path, f"{place}: {fault}") for fault in _ROW_FAULTS.get(table, _no_faults)(row)
        )


def _name(table: str, row: Document) -> str:
    keys = {
        "drivers": ("branch",),
        "floors": ("cuda",),
        "cuda": ("version",),
        "architectures": ("capability",),
        "libraries": ("distribution", "versions", "platforms"),
        "cudnn_support": ("first",),
        "forward": ("cuda",),
        "jetpacks": ("version",),
        "extensions": ("extension", "version", "requires", "builds", "platforms"),
    }.get(table, ("name",))
    return " ".join(str(row.get(key, "")) for key in keys).strip()


def _evidence_faults(evidence: Iterable[Document]) -> Iterator[str]:
    empty = True
    for item in evidence:
        empty = False
        if item["kind"] not in _KINDS:
            yield f"evidence of kind {item['kind']!r}; there are {', '.join(_KINDS)}"
        if not item["source"]:
            yield "evidence without a source"
        try:
            dt.date.fromisoformat(item["checked"])
        except ValueError:
            yield f"evidence checked on {item['checked']!r}, which is no date"
        if item.get("sha256") and not _SHA256.match(item["sha256"]):
            yield f"{item['sha256']!r} is no SHA-256"
    if empty:
        yield "no evidence"


def _unused_sources(document: Document) -> Iterator[Fault]:
    used = repr([value for key, value in document.items() if key not in ("sources", "sets")])
    used += repr(list((document.get("sets") or {}).values()))
    for name, source in (document.get("sources") or {}).items():
        if source["source"] not in used and repr(source["source"])[1:-1] not in used:
            yield ("sources", name), f"source `{name}` proves nothing here"


def _no_faults(_: Document) -> Iterator[str]:
    return iter(())


def _gpu_faults(row: Document) -> Iterator[str]:
    if not _CAPABILITY.match(row["capability"]):
        yield f"{row['capability']} is no compute capability"
    kinds = ("geforce", "rtx-pro", "quadro", "titan", "datacenter", "jetson", "grace")
    if row["kind"] not in kinds:
        yield f"kind {row['kind']!r}; there are {', '.join(kinds)}"


def _pattern_faults(row: Document) -> Iterator[str]:
    try:
        re.compile(row.get("pattern", ""))
    except re.error as error:
        yield f"pattern: {error}"


def _forward_faults(row: Document) -> Iterator[str]:
    for branch, answer in row["branches"].items():
        if answer not in _FORWARD:
            yield f"branch {branch}: {answer!r}; there are {', '.join(_FORWARD)}"


_ROW_FAULTS: dict[str, Callable[[Document], Iterator[str]]] = {
    "gpus": _gpu_faults,
    "systems": _pattern_faults,
    "forward": _forward_faults,
}


def _shared_faults(documents: Iterable[tuple[Source, Document]]) -> Iterator[str]:
    """Yield what no file shows alone: names that two frameworks claim, and references that lead nowhere."""
    documents = list(documents)
    yield from _name_faults(documents)
    tables: dict[str, list[Document]] = {}
    for _, document in documents:
        for table, rows in document.items():
            if isinstance(rows, list):
                tables.setdefault(table, []).extend(rows)
    yield from _gpu_references(tables)
    yield from _cuda_references(documents, tables)
    frameworks = {document["framework"] for _, document in documents if "framework" in document}
    for row in tables.get("extensions", ()) if frameworks else ():
        if row["framework"] not in frameworks:
            yield f"extensions {row['extension']}: no framework {row['framework']}"


def _gpu_references(tables: Mapping[str, list[Document]]) -> Iterator[str]:
    capabilities = {row["capability"] for row in tables.get("architectures", ())}
    for row in tables.get("gpus", ()) if capabilities else ():
        if row["capability"] not in capabilities:
            yield f"gpus {row['name']}: architectures.yaml has no {row['capability']}"


def _cuda_references(
    documents: Iterable[tuple[Source, Document]], tables: Mapping[str, list[Document]]
) -> Iterator[str]:
    releases = {_minor(row["version"]) for row in tables.get("cuda", ())}
    for source, document in documents if releases else ():
        for row in document.get("builds", ()):
            cuda = row.get("cuda") or ""
            if "." in cuda and row["build"] != "source" and _minor(cuda) not in releases:
                place = f"{source.place}: {row['version']}+{row['build']}"
                yield f"{place}: cuda.yaml has no CUDA {cuda}"


def _name_faults(documents: Iterable[tuple[Source, Document]]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for source, document in documents:
        for name in document.get("names") or ():
            plain = str(canonicalize_name(name))
            if owners.setdefault(plain, source.place) != source.place:
                yield f"{source.place}: the name {name} belongs to {owners[plain]}"


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])
