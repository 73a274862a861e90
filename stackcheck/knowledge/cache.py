"""Compiled matrices on disk: JSON that carries the stamp of all that it came from, so that it is never stale."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from stackcheck import __version__
from stackcheck.knowledge.source import Source

__all__ = ["cache_directory", "compiled"]

_KEPT = 8
"""Files kept of each name: a few checkouts and overlays in turn."""


def cache_directory() -> Path:
    """Return where caches lie."""
    if configured := os.environ.get("STACKCHECK_CACHE_DIR"):
        return Path(configured)
    import platformdirs

    return Path(platformdirs.user_cache_dir("stackcheck", appauthor=False))


def _stamp(sources: Iterable[Source]) -> str | None:
    """Write down the files' places, sizes and times, and those of the code that compiles them.

    None where a file is no plain one (a zipped package): then nothing is cached.
    """
    try:
        lines = [__version__, *_code()]
        for source in sources:
            if source.stamp is None:
                return None
            lines.append(f"{source.layer} {source.stamp}")
    except OSError:
        return None
    return "\n".join(lines)


@lru_cache(maxsize=1)
def _code() -> tuple[str, ...]:
    """Name, size and time of the modules that compile; a process runs them as it has read them."""
    lines = []
    for module in sorted(os.scandir(Path(__file__).parent), key=lambda entry: entry.name):
        if module.name.endswith(".py"):
            status = module.stat()
            lines.append(f"{module.name} {status.st_size} {status.st_mtime_ns}")
    return tuple(lines)


def compiled(name: str, sources: Iterable[Source], compile_: Callable[[], Any]) -> Any:
    """Return what `compile_` made of the sources, from the cache if it is there.

    The file's name has only a checksum of the stamp; the stamp inside decides.
    """
    stamp = _stamp(sources)
    if stamp is None:
        return compile_()
    path = cache_directory() / "knowledge" / f"{name}-{zlib.crc32(stamp.encode()):08x}.json"
    with suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        if isinstance(found, dict) and found.get("stamp") == stamp:
            return found["data"]
    data = compile_()
    with suppress(OSError):
        _write(path, {"stamp": stamp, "data": data})
    return data


def _write(path: Path, data: Any) -> None:
    """Replace the file atomically, and drop the oldest of its name."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file, separators=(",", ":"), ensure_ascii=False)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    name = path.stem.rpartition("-")[0]
    others = sorted(
        path.parent.glob(f"{name}-" + "[0-9a-f]" * 8 + ".json"),
        key=lambda file: file.stat().st_mtime,
        reverse=True,
    )
    for old in others[_KEPT:]:
        old.unlink(missing_ok=True)
