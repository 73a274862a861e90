"""How much is to be fetched: asked of the files' servers, since uv's locks do not tell it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stackcheck.environments.credentials import authorization, split_credentials
from stackcheck.environments.locks import Artifact

__all__ = ["known_bytes", "measure"]

_SECONDS = 20


def _local_size(place: str) -> int:
    path = Path(unquote(urlsplit(place).path))
    return path.stat().st_size if place.startswith("file://") and path.is_file() else 0


def known_bytes(artifacts: Iterable[Artifact]) -> int:
    """Return the bytes to be fetched, as far as they are known or the files lie here."""
    return sum(artifact.size or _local_size(artifact.place) for artifact in artifacts)


def _ask_size(artifact: Artifact, seconds: float) -> Artifact:
    if artifact.size is not None:
        return artifact
    with suppress(urllib.error.URLError, OSError, ValueError):
        bare, headers = split_credentials(artifact.place)[0], authorization(artifact.place)
        request = urllib.request.Request(bare, method="HEAD", headers=headers)  # noqa: S310 (a lock's own address)
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
            return replace(artifact, size=int(answer.headers["Content-Length"] or 0) or None)
    return artifact


def measure(
    artifacts: Iterable[Artifact], *, offline: bool, seconds: float = _SECONDS
) -> tuple[Artifact, ...]:
    """Return the artifacts with the sizes that only their servers tell; without those of servers that do not."""
    if offline:
        return tuple(artifacts)
    with ThreadPoolExecutor(8) as pool:
        return tuple(pool.map(partial(_ask_size, seconds=seconds), artifacts))
