"""Which environments StackCheck made, and conda's own list, in which its tools look."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from stackcheck.environments.directories import MEMORY, state_directory
from stackcheck.environments.files import write_atomically

__all__ = ["add_to_register", "is_ours", "registered", "remove_from_register"]


def _conda_list() -> Path:
    return Path.home() / ".conda" / "environments.txt"


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return []


def _edit(path: Path, prefix: Path, *, present: bool) -> None:
    """Add or remove one line, under a lock and atomically: several runs may end at once."""
    state_directory().mkdir(parents=True, exist_ok=True)
    with FileLock(state_directory() / "register.lock"):
        before = _lines(path)
        after = [line for line in before if line != str(prefix)]
        if present:
            after.append(str(prefix))
        if after != before:
            write_atomically(path, "".join(f"{line}\n" for line in after))


def _register() -> Path:
    return state_directory() / "environments.txt"


def add_to_register(prefix: Path) -> None:
    """Remember an environment; a conda one also where conda's tools look for prefixes."""
    _edit(_register(), prefix, present=True)
    if (prefix / "conda-meta").is_dir():
        _edit(_conda_list(), prefix, present=True)


def remove_from_register(prefix: Path) -> None:
    """Forget an environment, in both lists."""
    for path in (_register(), _conda_list()):
        if str(prefix) in _lines(path):
            _edit(path, prefix, present=False)


def registered() -> list[Path]:
    """Return the prefixes that StackCheck made and conda knows of, as far as they are still there."""
    listed = dict.fromkeys([*_lines(_register()), *_lines(_conda_list())])
    return [Path(line) for line in listed if Path(line).is_dir()]


def is_ours(prefix: Path) -> bool:
    """Whether StackCheck made what is there: its own memory in the prefix says so, not a list."""
    return (prefix / MEMORY / "plan.json").is_file()
