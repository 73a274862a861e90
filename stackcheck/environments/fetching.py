"""What an environment needs to be fetched, with sizes; and fetching it, each file against its hash."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.environments.credentials import (
    authorization,
    hide_credentials,
    split_credentials,
)
from stackcheck.environments.installers import uv
from stackcheck.environments.locks import Artifact, read_pylock
from stackcheck.environments.progress import meter
from stackcheck.errors import StackCheckError

if TYPE_CHECKING:
    from stackcheck.environments.recipe import Recipe
    from stackcheck.environments.tools import Tools

__all__ = ["FetchFailed", "conda_artifacts", "fetch", "list_conda", "list_wheels"]

_CHUNK = 1 << 20
_SECONDS = 60


class FetchFailed(StackCheckError):
    """A file could not be fetched, or is not what its lock says."""

    def __init__(self, message: str) -> None:
        super().__init__(hide_credentials(message))


def list_wheels(recipe: Recipe, tools: Tools) -> tuple[Artifact, ...]:
    """Return every wheel that the plan's machine would get. Raises `ToolFailed`."""
    if not recipe.packages.wheels:
        return ()
    asked = recipe if recipe.packages.conda else uv.with_seeds(recipe)
    with tempfile.TemporaryDirectory(prefix="stackcheck-") as folder:
        lock = uv.compile_lock(asked, uv.target_of(recipe), Path(folder), tools)
        return read_pylock(lock.read_text())


def list_conda(recipe: Recipe, tools: Tools) -> list[dict[str, Any]]:
    """Return the record of every conda package that the plan's machine would get. Raises `ToolFailed`."""
    if not recipe.packages.conda:
        return []
    from stackcheck.environments.installers import rattler

    return rattler.solve(recipe, tools)


def conda_artifacts(records: Iterable[dict[str, Any]]) -> tuple[Artifact, ...]:
    """Return the files of conda records."""
    return tuple(
        Artifact(
            record["name"],
            record["version"],
            record["url"],
            "sha256" if record["sha256"] else "md5",
            record["sha256"] or record["md5"] or "",
            record["size"],
        )
        for record in records
    )


def _is_whole(path: Path, artifact: Artifact) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.new(artifact.algorithm, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == artifact.digest


def _open(place: str) -> Any:
    bare, headers = split_credentials(place)[0], authorization(place)
    request = urllib.request.Request(bare, headers=headers)  # noqa: S310 (a lock's own address)
    return urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310


def fetch(artifacts: Iterable[tuple[Artifact, Path]], *, shown: bool) -> None:
    """Fetch each file to its place; one that is there with the right hash is kept. Raises `FetchFailed`."""
    wanted = [(artifact, path) for artifact, path in artifacts if not _is_whole(path, artifact)]
    total = sum(artifact.size or 0 for artifact, _ in wanted)
    done = 0
    with meter("fetching", shown=shown) as show:
        for artifact, path in wanted:
            if not artifact.digest:
                raise FetchFailed(f"{artifact.place}: no hash is known for it")
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(path.name + ".part")
            try:
                with (
                    _open(artifact.place) as source,
                    partial.open("wb") as target,
                ):
                    while chunk := source.read(_CHUNK):
                        target.write(chunk)
                        done += len(chunk)
                        show(done, max(total, done))
                if not _is_whole(partial, artifact):
                    raise FetchFailed(
                        f"{artifact.place}: what came has another {artifact.algorithm} than its lock says"
                    )
                shutil.move(partial, path)
            except (urllib.error.URLError, OSError) as error:
                raise FetchFailed(f"{artifact.place}: {error}") from error
            finally:
                partial.unlink(missing_ok=True)
