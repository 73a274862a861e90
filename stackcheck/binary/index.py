"""The package index: which files a project has. HTML and JSON of the simple API (PEP 503, 691, 700), nothing else."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPException
from urllib.parse import urljoin, urlsplit

from packaging.utils import canonicalize_name

from stackcheck.binary.blob import HttpBlob, Unreachable, reason_of
from stackcheck.binary.wheel import Wheel

__all__ = ["IndexFile", "PackageIndex", "index_url"]

_DEFAULT = "https://pypi.org/simple"
_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
_TIMEOUT_S = 60


@dataclass(frozen=True)
class IndexFile:
    """One file of a project."""

    filename: str
    url: str
    sha256: str = ""
    requires_python: str = ""
    yanked: bool = False
    uploaded: str = ""
    """Day of the upload, YYYY-MM-DD; empty if the index does not tell."""
    size: int | None = None
    has_metadata: bool = False
    """Whether the index serves the METADATA file beside it (PEP 658)."""

    def open_wheel(self) -> Wheel:
        """Open it by ranged reads. Raises `Unreachable` or `MalformedWheel`."""
        return Wheel(HttpBlob(self.url))


def index_url() -> str:
    """Return the index that uv and pip are told to use, else PyPI."""
    configured = (os.environ.get(name) for name in _VARIABLES)
    return next(filter(None, configured), _DEFAULT).rstrip("/")


class PackageIndex:
    """One package index. `offline` makes every question end in `Unreachable`."""

    def __init__(self, url: str | None = None, *, offline: bool = False) -> None:
        self.url = (url or index_url()).rstrip("/")
        self.offline = offline

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Return the project's files, as the index orders them; none if it has no such project.

        Raises `Unreachable`.
        """
        address = f"{self.url}/{canonicalize_name(project)}/"
        if self.offline:
            raise Unreachable(f"{address}: not asked (offline)")
        request = urllib.request.Request(address, headers={"Accept": _ACCEPT})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                data: bytes = answer.read()
                kind = answer.headers.get("Content-Type", "")
                base = answer.geturl()
        except (OSError, ValueError, HTTPException) as error:
            if getattr(error, "code", None) == 404:
                return ()
            raise Unreachable(f"{address}: {reason_of(error)}") from error
        try:
            if "json" in kind:
                return _from_json(json.loads(data), base)
            return _from_html(data.decode("utf-8"), base)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreachable(f"{address}: the answer cannot be read: {error}") from error


def _from_json(
    document: Mapping[str, list[Mapping[str, object]]], base: str
) -> tuple[IndexFile, ...]:
    found = []
    for entry in document["files"]:
        hashes = entry.get("hashes")
        size = entry.get("size")
        found.append(
            IndexFile(
                filename=str(entry["filename"]),
                url=urljoin(base, str(entry["url"])),
                sha256=str(hashes.get("sha256", "")) if isinstance(hashes, dict) else "",
                requires_python=str(entry.get("requires-python") or ""),
                yanked=bool(entry.get("yanked")),
                uploaded=str(entry.get("upload-time") or "")[:10],
                size=size if isinstance(size, int) else None,
                has_metadata=bool(entry.get("core-metadata") or entry.get("dist-info-metadata")),
            )
        )
    return tuple(found)


def _from_html(text: str, base: str) -> tuple[IndexFile, ...]:
    parser = _Links()
    parser.feed(text)
    found = []
    for attributes, name in parser.links:
        url = urljoin(base, attributes.get("href") or "")
        parts = urlsplit(url)
        algorithm, _, digest = parts.fragment.partition("=")
        found.append(
            IndexFile(
                filename=name.strip() or parts.path.rsplit("/", 1)[-1],
                url=parts._replace(fragment="").geturl(),
                sha256=digest if algorithm == "sha256" else "",
                requires_python=attributes.get("data-requires-python") or "",
                yanked="data-yanked" in attributes,
                uploaded=(attributes.get("data-upload-time") or "")[:10],
                has_metadata="data-core-metadata" in attributes
                or "data-dist-info-metadata" in attributes,
            )
        )
    return tuple(found)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[dict[str, str | None], str]] = []
        self._open: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._open = dict(attrs)

    def handle_data(self, data: str) -> None:
        if self._open is not None and data.strip():
            self.links.append((self._open, data))
            self._open = None
