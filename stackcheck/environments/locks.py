"""What a lock made by uv says: each wheel with its address, hash and size."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from stackcheck.environments.credentials import without_credentials

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Artifact", "explicit_list", "hashed_requirements", "name_indexes", "read_pylock"]

_PACKAGE = re.compile(r"^\[\[packages\]\]\n.*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_VERSION = re.compile(r"^version = .*\n", re.MULTILINE)
_ALGORITHMS = ("sha256", "sha384", "sha512")


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
    index: str = ""
    """URL of the index that has it, where the lock tells."""

    @property
    def file_name(self) -> str:
        """The last part of its address."""
        return unquote(urlsplit(self.place).path.rpartition("/")[2])


def _files(package: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a package's files, the one that is installed first: its wheel, or its source where it has none."""
    yield from package.get("wheels", ())
    yield from (package[kind] for kind in ("archive", "sdist") if kind in package)


def _artifact(package: Mapping[str, Any]) -> Artifact | None:
    for file in _files(package):
        for algorithm in _ALGORITHMS:
            if digest := file.get("hashes", {}).get(algorithm):
                return Artifact(
                    package["name"],
                    package.get("version", ""),
                    file.get("url") or file["path"],
                    algorithm,
                    digest,
                    file.get("size"),
                    package.get("index", ""),
                )
    return None


def read_pylock(text: str) -> tuple[Artifact, ...]:
    """Return the file that would be installed of each package. Raises `ValueError` for what is no TOML.

    A lock made for one interpreter names one wheel of each package.
    """
    found = (_artifact(package) for package in tomllib.loads(text).get("packages", ()))
    return tuple(artifact for artifact in found if artifact is not None)


def name_indexes(text: str, index_of: Callable[[Artifact], str]) -> str:
    """Return a lock with the `index` of each package that `index_of` tells.

    The standard has the field and uv 0.13 leaves it out, but looks in its cache only for packages that have one.
    """

    def name(match: re.Match[str]) -> str:
        block = match[0]
        found = read_pylock(block)
        index = index_of(found[0]) if found and not found[0].index else ""
        return (
            _VERSION.sub(lambda line: f'{line[0]}index = "{index}"\n', block, 1) if index else block
        )

    return _PACKAGE.sub(name, text)


def hashed_requirements(artifacts: Sequence[Artifact], direct: Collection[str] = ()) -> str:
    """Return requirements with hashes, one a line; those named in `direct` by their address instead of a version."""
    lines = [
        f"{each.name} @ {each.place}" if each.name in direct else f"{each.name}=={each.version}"
        for each in artifacts
    ]
    hashes = [f"--hash={each.algorithm}:{each.digest}" for each in artifacts]
    return "".join(sorted(f"{line} {digest}\n" for line, digest in zip(lines, hashes, strict=True)))


def explicit_list(records: Iterable[Mapping[str, Any]]) -> str:
    """Return conda's explicit list of solved records: an address and a hash each."""
    lines = (f"{record['url']}#{record['sha256'] or record['md5']}\n" for record in records)
    return "@EXPLICIT\n" + without_credentials("".join(sorted(lines)))
