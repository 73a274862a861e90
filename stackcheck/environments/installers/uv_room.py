"""Whether there is room for what uv is about to download, looked at while it begins to."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from packaging.utils import canonicalize_name

from stackcheck.environments.locks import Artifact
from stackcheck.environments.preflight import check_room
from stackcheck.environments.sizes import known_bytes, measure
from stackcheck.environments.tools import Tools

__all__ = ["room_watcher"]

_PATIENCE_SECONDS = 0.5
"""What takes less has nothing much to download."""
_SERVER_SECONDS = 5
_UNCACHED = re.compile(r"Identified uncached distribution: ([\w.-]+?)(?:==| @ |$)", re.MULTILINE)


def _ask_uv(
    command: Sequence[str], directory: Path, variables: Mapping[str, str]
) -> tuple[str, str]:
    """Return what uv writes to both outputs; nothing if it does not answer, since this look is a courtesy."""
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=variables,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    return done.stdout, done.stderr


def _uncached(
    command: Sequence[str], directory: Path, variables: Mapping[str, str]
) -> frozenset[str]:
    """Return the names of the packages that uv would download, from what it tells of a dry run.

    Into a folder of its own, since the environment is locked by the installation.
    """
    spoken = [word for word in command if word != "--quiet"]
    with tempfile.TemporaryDirectory(prefix="stackcheck-") as folder:
        dry = [*spoken, "--dry-run", "--verbose", "--target", folder]
        said = _ask_uv(dry, directory, variables)[1]
    return frozenset(canonicalize_name(name) for name in _UNCACHED.findall(said))


def _is_linked(cache: Path, prefix: Path) -> bool:
    """Whether what is in the cache takes no room of its own in the prefix: uv links within one file system."""
    with suppress(OSError):
        return cache.stat().st_dev == prefix.stat().st_dev
    return True


def room_watcher(
    command: Sequence[str],
    artifacts: Sequence[Artifact],
    prefix: Path,
    tools: Tools,
    directory: Path,
    changes: Mapping[str, str],
) -> Callable[[], None]:
    """Return a function to be called while `command` (an installation by uv) runs.

    Once, when it has run for a moment, it asks for the sizes of what is not in uv's cache (of everything, where the
    cache lies on another file system), and raises `Unsuitable` if that has no room in the cache or in the prefix.
    """
    began = time.monotonic()
    looked = False

    def look() -> None:
        nonlocal looked
        if looked or tools.offline or time.monotonic() - began < _PATIENCE_SECONDS:
            return
        looked = True
        variables = tools.environment(changes)
        cache = Path(
            _ask_uv([command[0], "cache", "dir"], directory, variables)[0].strip() or prefix
        )
        names = _uncached(command, directory, variables)
        uncached = [each for each in artifacts if canonicalize_name(each.name) in names]
        copied = uncached if _is_linked(cache, prefix) else artifacts
        for place, wanted in ((cache, uncached), (prefix, copied)):
            sizes = measure(wanted, offline=False, seconds=_SERVER_SECONDS) if wanted else ()
            check_room(place, known_bytes(sizes))

    return look
