"""Making a prefix without ever leaving half of one: lock, journal, marker, removal.

A creation writes a journal into the state directory before it touches the prefix, and a marker into the prefix. If
it fails or is interrupted it removes the prefix. If it is killed, the next run finds the journal, sees by the lock
that nobody holds it any more, ends what children are left, and removes the prefix if the marker is that journal's.
What bears no such marker is never removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import signal
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from stackcheck.environments.directories import MEMORY, state_directory
from stackcheck.environments.files import write_atomically
from stackcheck.environments.processes import TOKEN, end_orphans, is_alive, start_time
from stackcheck.errors import InputError, StackCheckError

__all__ = ["Creation", "PrefixBusy", "creating", "remove_environment", "sweep"]

_MARKER = "incomplete-"
"""Start of the marker's name; the rest is the creation's token, so that making the file is all there is to it."""


class PrefixBusy(StackCheckError):
    """Another run is making this prefix right now."""


@dataclass
class Creation:
    """A prefix in the making."""

    prefix: Path
    token: str
    existed: bool
    """Whether the prefix was there before, as an empty directory."""
    done: bool = field(default=False, init=False)

    @property
    def memory(self) -> Path:
        """The folder for plan, constraints and locks."""
        return self.prefix / MEMORY

    @property
    def variables(self) -> dict[str, str]:
        """The environment for child processes, by which a later run knows them."""
        return {**os.environ, TOKEN: self.token}

    def mark(self) -> None:
        """Make the prefix and mark it as this creation's. Tools that insist on an absent prefix mark later."""
        try:
            self.memory.mkdir(parents=True, exist_ok=True)
            (self.memory / f"{_MARKER}{self.token}").touch()
        except OSError as error:
            raise InputError(f"{self.prefix}: cannot be made ({error.strerror})") from error

    def commit(self) -> None:
        """Declare the prefix whole: the one step after which a kill no longer removes it."""
        (self.memory / f"{_MARKER}{self.token}").unlink(missing_ok=True)
        self.done = True


def _journals() -> Path:
    return state_directory() / "creations"


def _key(prefix: Path) -> str:
    return hashlib.sha256(os.fsencode(prefix)).hexdigest()[:16]


def _node() -> str:
    return platform.node()


def _retry_writable(function: Callable[[str], Any], path: str, _: object) -> None:
    """Give the owner write access and try again: package managers link directories without it."""
    with suppress(OSError):
        parent = Path(path).parent
        parent.chmod(parent.stat().st_mode | stat.S_IRWXU)
        if not Path(path).is_symlink():
            Path(path).chmod(0o700)
        function(path)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, onerror=_retry_writable)
    else:
        entry.unlink(missing_ok=True)


def remove_tree(prefix: Path, *, keep_root: bool = False) -> None:
    """Remove a prefix, the marker last: killed half-way, what remains is still known as ours."""
    if not prefix.is_dir() or prefix.is_symlink():
        return
    memory = prefix / MEMORY
    for entry in prefix.iterdir():
        if entry != memory:
            _remove(entry)
    if memory.is_dir() and not memory.is_symlink():
        for entry in sorted(memory.iterdir(), key=lambda entry: entry.name.startswith(_MARKER)):
            _remove(entry)
    if memory.exists() or memory.is_symlink():
        _remove(memory)
    if not keep_root:
        with suppress(OSError):
            prefix.rmdir()


def _is_ours(prefix: Path, token: str) -> bool:
    """Whether the prefix bears that creation's marker, or nothing at all."""
    if (prefix / MEMORY / f"{_MARKER}{token}").exists():
        return True
    return all(
        entry.name == MEMORY and entry.is_dir() and not any(entry.iterdir())
        for entry in prefix.iterdir()
    )


def _clear(journal: dict[str, Any]) -> str:
    """Remove what a dead run left. Return a sentence for the user, empty if there was nothing to do."""
    prefix, token = Path(journal["prefix"]), str(journal["token"])
    end_orphans(token)
    if not prefix.is_dir():
        return ""
    if _is_ours(prefix, token):
        remove_tree(prefix, keep_root=bool(journal["existed"]))
        return f"{prefix}: removed what process {journal['process']} left unfinished"
    if (prefix / MEMORY / "plan.json").exists():
        return ""
    return (
        f"{prefix}: a run that died was about to make it, and what is there bears no mark of it; "
        "look at it and remove it yourself"
    )


def sweep() -> list[str]:
    """Remove what dead runs left half-made, and only that. Return what was done, one sentence each."""
    told: list[str] = []
    for path in sorted(_journals().glob("*.json")):
        lock = FileLock(path.with_suffix(".lock"))
        try:
            with lock.acquire(timeout=0):
                journal = json.loads(path.read_text())
                elsewhere = journal["node"] != _node()
                if elsewhere or is_alive(journal["process"], journal["started"]):
                    continue
                if sentence := _clear(journal):
                    told.append(sentence)
                path.unlink(missing_ok=True)
        except Timeout:
            continue
        except (OSError, ValueError, KeyError) as error:
            told.append(f"{path}: this journal cannot be read ({error}); it is left alone")
    return told


def _raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a creation as Ctrl-C does, with the prefix removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    former = {number: signal.signal(number, _raise_interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _refuse_unless_empty(prefix: Path) -> bool:
    """Return whether the prefix is there (empty). Raises `InputError` for anything that must not be touched."""
    if prefix.is_symlink() or (prefix.exists() and not prefix.is_dir()):
        raise InputError(f"{prefix}: is not a directory; give an absent or empty one")
    if not prefix.exists():
        return False
    try:
        occupied = any(prefix.iterdir())
    except OSError as error:
        raise InputError(f"{prefix}: cannot be read ({error.strerror})") from error
    if occupied:
        raise InputError(
            f"{prefix}: is not empty; choose another, or `stackcheck env remove {shlex.quote(str(prefix))}` "
            "if it is one of ours"
        )
    return True


@contextmanager
def _journalled(prefix: Path, creation: Creation, plan: dict[str, Any]) -> Iterator[None]:
    journal = {
        "prefix": str(prefix),
        "token": creation.token,
        "existed": creation.existed,
        "process": os.getpid(),
        "started": start_time(os.getpid()),
        "node": _node(),
        "time": time.time(),
        "plan": plan,
    }
    path = _journals() / f"{_key(prefix)}.json"
    write_atomically(path, json.dumps(journal))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(prefix: Path) -> Iterator[None]:
    try:
        _journals().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{_journals()}: the state directory cannot be made ({error.strerror}); set STACKCHECK_STATE_DIR"
        ) from error
    lock = FileLock(_journals() / f"{_key(prefix)}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PrefixBusy(f"{prefix}: another stackcheck is at work on it right now") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def creating(prefix: Path, plan: dict[str, Any]) -> Iterator[Creation]:
    """Own the prefix (an absolute path) for the length of the block; remove it unless the block commits.

    Raises `InputError` for a prefix that is not absent or empty, `PrefixBusy` while another run is at work on it.
    """
    with _locked(prefix):
        creation = Creation(prefix, uuid.uuid4().hex, _refuse_unless_empty(prefix))
        with _journalled(prefix, creation, plan), _interruptible():
            try:
                yield creation
            finally:
                if not creation.done:
                    _abandon(creation)


def remove_environment(prefix: Path) -> None:
    """Remove a whole environment of ours. A kill half-way leaves the rest to the next run, as with a creation."""
    with _locked(prefix):
        creation = Creation(prefix, uuid.uuid4().hex, existed=False)
        with _journalled(prefix, creation, {}):
            creation.mark()
            remove_tree(prefix)


def _abandon(creation: Creation) -> None:
    """Remove an unfinished prefix; a second Ctrl-C must not stop that."""
    former = None
    if threading.current_thread() is threading.main_thread():
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        end_orphans(creation.token)
        remove_tree(creation.prefix, keep_root=creation.existed)
    finally:
        if former is not None:
            signal.signal(signal.SIGINT, former)
