"""What a lock made by uv says: each wheel with its address, hash and size."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Artifact", "hashed_requirements", "known_bytes", "read_pylock"]

_PACKAGE = re.compile(r"^\[\[packages\]\]$", re.MULTILINE)
_NAME = re.compile(r'^name = "([^"]+)"$', re.MULTILINE)
_VERSION = re.compile(r'^version = "([^"]+)"$', re.MULTILINE)
_FILES = re.compile(r"^(wheels|sdist|archive) = (.*?)(?=^\w|\Z)", re.MULTILINE | re.DOTALL)
_FILE = re.compile(
    r'\{ (?:name = "[^"]*", )?(?P<kind>url|path) = "(?P<place>[^"]+)"(?P<rest>.*?)'
    r'hashes = \{[^}]*?(?P<algorithm>sha256|sha384|sha512) = "(?P<digest>[0-9a-f]+)"'
)
_SIZE = re.compile(r"\bsize = (\d+)")


@dataclass(frozen=True)
class Artifact:
    """One file to be fetched."""

    name: str
    version: str
    place: str
    """URL (`file://` for a local one)."""
    algorithm: str
    digest: str
    size: int | None = None
    """In bytes, where the index tells it."""

    @property
    def file_name(self) -> str:
        """The last part of its address."""
        return unquote(urlsplit(self.place).path.rpartition("/")[2])


def read_pylock(text: str) -> tuple[Artifact, ...]:
    """Return the file that would be installed of each package: its wheel, or its source where it has none.

    Reads the layout that uv writes, one package after the other (no TOML parser comes with Python 3.10). A lock made
    for one interpreter names one wheel of each package.
    """
    found: list[Artifact] = []
    for block in _PACKAGE.split(text)[1:]:
        name, version = _NAME.search(block), _VERSION.search(block)
        listed = {kind: list(_FILE.finditer(files)) for kind, files in _FILES.findall(block)}
        chosen = next(
            (listed[kind] for kind in ("wheels", "archive", "sdist") if listed.get(kind)), []
        )
        if name is None or not chosen:
            continue
        file = chosen[0]
        size = _SIZE.search(file["rest"])
        found.append(
            Artifact(
                name[1],
                version[1] if version else "",
                file["place"],
                file["algorithm"],
                file["digest"],
                int(size[1]) if size else None,
            )
        )
    return tuple(found)


def hashed_requirements(artifacts: Sequence[Artifact], direct: Collection[str] = ()) -> str:
    """Return requirements with hashes, one a line; those named in `direct` by their address instead of a version.

    uv takes such packages from its cache, which it does not for a pylock.toml (0.13.8 fetches them again).
    """
    lines = [
        f"{each.name} @ {each.place}" if each.name in direct else f"{each.name}=={each.version}"
        for each in artifacts
    ]
    hashes = [f"--hash={each.algorithm}:{each.digest}" for each in artifacts]
    return "".join(sorted(f"{line} {digest}\n" for line, digest in zip(lines, hashes, strict=True)))


def known_bytes(artifacts: tuple[Artifact, ...]) -> int:
    """Return the bytes to be fetched, as far as the lock tells or the files lie here."""
    return sum(artifact.size or _local_size(artifact.place) for artifact in artifacts)


def _local_size(place: str) -> int:
    path = Path(unquote(urlsplit(place).path))
    return path.stat().st_size if place.startswith("file://") and path.is_file() else 0
