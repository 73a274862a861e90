"""The one door to the operating system: files, links, directories, device nodes, environment and limits.

Every absolute path goes through a root, `STACKCHECK_SYSROOT`, so that a recorded machine reads like the real one. What
files cannot hold (environment, user, limits, mounts, nodes, loader cache) stands in `machine.yaml` under that root.
"""

# Paths are texts here: half of them are another machine's.
# ruff: noqa: PTH112, PTH113, PTH114, PTH115, PTH116, PTH208

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackcheck.errors import InputError
from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.model.record import record
from stackcheck.probe.given import read_given

__all__ = ["SYSROOT", "FileSystem", "HostReader", "NodeStatus"]

SYSROOT = "STACKCHECK_SYSROOT"
TEXT_LIMIT = 1 << 20
"""Bytes of a text that are read at most; the longest that rules want is a CDI specification."""
_LINKS_MAX = 40


@record(frozen=True)
class NodeStatus:
    """What stat says of a device node."""

    major: int
    minor: int
    mode: int
    owner: int
    group: int
    blocked: bool = False
    """A tree's word that opening it fails whatever the mode says, as a control group makes it."""


@record(frozen=True)
class FileSystem:
    """What statvfs says of the file system below a path; sizes in bytes."""

    total_bytes: int
    free_bytes: int
    free_inodes: int
    noexec: bool


class HostReader:
    """Reads a host. Whatever cannot be read is a fact of its own (`Absent`, `Unknown`), never an exception."""

    def __init__(self, root: Path | None = None, given: Mapping[str, Any] | None = None) -> None:
        self.root = root
        self._given = given or {}

    @classmethod
    def open(cls) -> HostReader:
        """Open this computer, or the tree that `STACKCHECK_SYSROOT` names.

        Raises `InputError` where that is no directory or its `machine.yaml` is malformed.
        """
        name = os.environ.get(SYSROOT)
        if not name:
            return cls()
        root = Path(name)
        if not root.is_dir():
            raise InputError(f"{SYSROOT}={name}: no such directory")
        return cls(root, read_given(root / "machine.yaml"))

    @property
    def is_real(self) -> bool:
        """Whether this is the computer itself, not a tree."""
        return self.root is None

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables: those of `machine.yaml` if it has any, else this process's."""
        given = self._given.get("environment")
        if given is None:
            return os.environ
        return {str(name): str(value) for name, value in given.items()}

    def uname(self, name: str) -> Fact[str]:
        """Tell what the kernel says of itself (uname(2)): `release`, `machine`, `nodename` or `version`.

        Of a tree: what `machine.yaml` says, else procfs; last this computer's, which the tree is a view of.
        """
        given = self._given.get("uname", {})
        if name in given:
            return Known(str(given[name]), "machine.yaml: uname")
        files = {"release": "/proc/sys/kernel/osrelease", "nodename": "/proc/sys/kernel/hostname"}
        if not self.is_real and name in files:
            found = self.line(files[name])
            if isinstance(found, Known):
                return found
            banner = self.text("/proc/version").peek() or ""
            if name == "release" and banner.startswith("Linux version "):
                return Known(banner.split()[2], "/proc/version")
        import platform

        return Known(str(getattr(platform.uname(), _UNAME.get(name, name))), "uname")

    def given(self, name: str) -> Any:
        """Return an entry of `machine.yaml`, None if there is none."""
        return self._given.get(name)

    @property
    def uid(self) -> int | None:
        """Effective user id, of `machine.yaml` if it names one; None on Windows, which has none."""
        if "uid" in self._given:
            return int(self._given["uid"])
        return None if sys.platform == "win32" else os.geteuid()

    @property
    def groups(self) -> frozenset[int]:
        """Group ids of the user."""
        if "groups" in self._given:
            return frozenset(int(group) for group in self._given["groups"])
        if "uid" in self._given or sys.platform == "win32":
            return frozenset()
        return frozenset((*os.getgroups(), os.getegid()))

    def limit(self, name: str) -> Fact[int]:
        """Return a soft limit of the process (`memlock`, `as`, `nofile`); -1 for unlimited."""
        given = self._given.get("limits", {})
        if name in given:
            value = given[name]
            return Known(-1 if value == "unlimited" else int(value), "machine.yaml: limits")
        source = f"getrlimit({name})"
        if not self.is_real:
            return Unknown("the tree does not say", "machine.yaml: limits")
        if sys.platform == "win32":
            return Absent(source)
        import resource

        soft, _ = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))
        return Known(-1 if soft == resource.RLIM_INFINITY else soft, source)

    def file_system(self, path: str) -> Fact[FileSystem]:
        """Return sizes and flags of the file system that holds a path."""
        source = f"statvfs({path})"
        given = self._given.get("mounts", {}).get(path)
        if given is not None:
            return Known(
                FileSystem(
                    int(given.get("total", 0)),
                    int(given.get("free", given.get("total", 0))),
                    int(given.get("free_inodes", -1)),
                    bool(given.get("noexec", False)),
                ),
                "machine.yaml: mounts",
            )
        if not self.is_real:
            return Unknown("the tree does not say", "machine.yaml: mounts")
        if sys.platform == "win32":
            return Unknown("not asked on Windows", source)
        try:
            status = os.statvfs(path)
        except OSError as error:
            return _failed(error, source)
        unit = status.f_frsize
        noexec = bool(status.f_flag & getattr(os, "ST_NOEXEC", 8))
        free_inodes = status.f_favail if status.f_files else -1
        return Known(
            FileSystem(status.f_blocks * unit, status.f_bavail * unit, free_inodes, noexec), source
        )

    def locate(self, path: str) -> str:
        """Return where a path of the host lies on this computer, its links followed inside the root.

        Raises `OSError` for a circle of links.
        """
        if self.root is None:
            return path
        return str(self.root) + self._follow(path)

    def real_path(self, path: str) -> str:
        """Return a path of the host with every symbolic link resolved; what is missing stays as it is."""
        if self.root is None:
            return os.path.realpath(path).replace(os.sep, "/")
        try:
            return self._follow(path)
        except OSError:
            return path

    def _follow(self, path: str) -> str:
        waiting = [part for part in reversed(path.split("/")) if part]
        done: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop()
            if part == ".":
                continue
            if part == "..":
                done = done[:-1]
                continue
            place = "/".join((str(self.root), *done, part))
            if not os.path.islink(place):
                done.append(part)
                continue
            links += 1
            if (
                links > _LINKS_MAX
            ):  # never left to the system, which would follow it out of the root
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(place)
            if target.startswith("/"):
                done = []
            waiting += [piece for piece in reversed(target.split("/")) if piece]
        return "/" + "/".join(done)

    def read(self, path: str, limit: int = TEXT_LIMIT, offset: int = 0) -> Fact[bytes]:
        """Return up to `limit` bytes of a regular file from `offset`."""
        try:
            descriptor = os.open(self.locate(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return Unknown("not a regular file", path)
                if offset:
                    file.seek(offset)
                return Known(file.read(limit), path)
        except (OSError, ValueError, OverflowError) as error:
            return _failed(error, path)

    def text(self, path: str, limit: int = TEXT_LIMIT) -> Fact[str]:
        """Return a text; bytes that are no UTF-8 are replaced."""
        found = self.read(path, limit)
        if isinstance(found, Known):
            return Known(found.value.decode("utf-8", "replace"), path)
        return found

    def line(self, path: str) -> Fact[str]:
        """Return a text without surrounding blanks; unknown if nothing is left."""
        return _stripped(self.text(path, 1 << 16))

    def names(self, path: str) -> Fact[tuple[str, ...]]:
        """Return the sorted names in a directory."""
        try:
            return Known(tuple(sorted(os.listdir(self.locate(path)))), path)
        except (OSError, ValueError) as error:
            return _failed(error, path)

    def link(self, path: str) -> Fact[str]:
        """Return the last part of a symbolic link's target, as sysfs uses them."""
        parent, _, name = path.rpartition("/")
        try:
            return Known(os.readlink(f"{self.locate(parent)}/{name}").rpartition("/")[2], path)
        except (OSError, ValueError) as error:
            return _failed(error, path)

    def exists(self, path: str) -> Fact[bool]:
        """Tell whether a path is there; unknown where a directory on the way is closed."""
        try:
            os.stat(self.locate(path))
        except (FileNotFoundError, NotADirectoryError):
            return Known(False, path)
        except (OSError, ValueError) as error:
            return _failed(error, path)
        return Known(True, path)

    def is_file(self, path: str) -> bool:
        """Tell whether a readable path is a regular file."""
        try:
            return os.path.isfile(self.locate(path))
        except OSError:
            return False

    def is_directory(self, path: str) -> bool:
        """Tell whether a path is a directory."""
        try:
            return os.path.isdir(self.locate(path))
        except OSError:
            return False

    def writable(self, path: str) -> Fact[bool]:
        """Tell whether this user may write to a path; of a missing one, to the nearest parent that is there."""
        source = f"access({path})"
        given = self._given.get("mounts", {}).get(path)
        if given is not None and "writable" in given:
            return Known(bool(given["writable"]), "machine.yaml: mounts")
        if not self.is_real:
            return Unknown("the tree does not say", "machine.yaml: mounts")
        place = Path(path)
        while not place.exists() and place != place.parent:
            place = place.parent
        return Known(os.access(place, os.W_OK | os.X_OK), source)

    def command(self, name: str) -> str | None:
        """Return the path of a command on PATH, None if there is none."""
        suffix = ".exe" if sys.platform == "win32" else ""
        for directory in self.environment.get("PATH", "").split(os.pathsep):
            path = f"{directory}/{name}{suffix}".replace(os.sep, "/")
            if directory and self.is_file(path):
                return path
        return None

    def node(self, path: str) -> Fact[NodeStatus]:
        """Return what stat says of a device node: one of `machine.yaml`, or a real one."""
        given = self._given.get("nodes", {})
        if path in given:
            entry = given[path] or {}
            mode = entry.get("mode", 0o666)
            return Known(
                NodeStatus(
                    int(entry.get("major", 195)),
                    int(entry.get("minor", 0)),
                    int(mode, 8) if isinstance(mode, str) else int(mode),
                    int(entry.get("owner", 0)),
                    int(entry.get("group", 0)),
                    blocked=entry.get("usable") is False,
                ),
                "machine.yaml: nodes",
            )
        try:
            status = os.stat(self.locate(path))
        except (OSError, ValueError) as error:
            return _failed(error, path)
        if not stat.S_ISCHR(status.st_mode):
            return Unknown("not a character device", path)
        return Known(
            NodeStatus(
                os.major(status.st_rdev),
                os.minor(status.st_rdev),
                stat.S_IMODE(status.st_mode),
                status.st_uid,
                status.st_gid,
            ),
            path,
        )

    def given_nodes(self) -> tuple[str, ...]:
        """Return the paths of the nodes that `machine.yaml` names."""
        return tuple(self._given.get("nodes", {}))

    def may_open(self, path: str, node: NodeStatus) -> Fact[bool]:
        """Tell whether this user may read and write a node, by its permission bits."""
        if self.is_real:
            return Known(os.access(path, os.R_OK | os.W_OK), f"access({path})")
        uid = self.uid
        if uid is None:
            return Unknown("this system has no user ids", "uid")
        shift = 6 if uid == node.owner else 3 if node.group in self.groups else 0
        if node.blocked:
            return Known(False, "machine.yaml: nodes")
        allowed = uid == 0 or (node.mode >> shift) & 0o6 == 0o6
        return Known(allowed, f"mode {node.mode:04o}, user {uid}")


_UNAME = {"nodename": "node"}


def _failed(error: OSError | ValueError | OverflowError, source: str) -> Absent | Unknown:
    """Tell what is not there from what could not be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Absent(source)
    return Unknown(
        error.strerror or str(error) if isinstance(error, OSError) else str(error), source
    )


def _stripped(found: Fact[str]) -> Fact[str]:
    if not isinstance(found, Known):
        return found
    text = found.value.strip().strip("\0").strip()
    return Known(text, found.source) if text else Unknown("empty", found.source)
