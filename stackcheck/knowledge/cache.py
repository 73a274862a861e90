"""Compiled matrices on disk: JSON named by the hash of all that it came from, so that it is never stale."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from stackcheck import __version__
from stackcheck.knowledge.source import Source

__all__ = ["cache_directory", "compiled", "fingerprint"]

_KEPT = 8
"""Files kept of each name: a few checkouts and overlays in turn."""


def cache_directory() -> Path:
    """Return where caches lie."""
    if configured := os.environ.get("STACKCHECK_CACHE_DIR"):
        return Path(configured)
    import platformdirs

    return Path(platformdirs.user_cache_dir("stackcheck", appauthor=False))


def fingerprint(sources: Iterable[Source]) -> str | None:
    """Hash the files' places, sizes and times and the code that compiles them.

    None where a file is no plain one (a zipped package): then nothing is cached.
    """
    digest = hashlib.sha256(__version__.encode())
    try:
        for module in sorted(Path(__file__).parent.glob("*.py")):
            status = module.stat()
            digest.update(f"{module.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        for source in sources:
            stamp = source.stamp
            if stamp is None:
                return None
            digest.update(f"{source.layer}\0{stamp}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()[:32]


def compiled(name: str, sources: Iterable[Source], compile_: Callable[[], Any]) -> Any:
    """Return what `compile_` made of the sources, from the cache if it is there."""
    key = fingerprint(sources)
    if key is None:
        return compile_()
    path = cache_directory() / "knowledge" / f"{name}-{key}.json"
    with suppress(OSError, ValueError):
        return json.loads(path.read_bytes())
    data = compile_()
    with suppress(OSError):
        _write(path, data)
    return data


def _write(path: Path, data: Any) -> None:
    """Replace the file atomically, and drop the oldest of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, separators=(",", ":"))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    name = path.name[: -len("-" + "0" * 32 + ".json")]
    others = sorted(
        path.parent.glob(f"{name}-" + "[0-9a-f]" * 32 + ".json"),
        key=lambda file: file.stat().st_mtime,
        reverse=True,
    )
    for old in others[_KEPT:]:
        old.unlink(missing_ok=True)
