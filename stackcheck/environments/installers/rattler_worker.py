"""The process in which py-rattler works: a request on standard input, one JSON event a line on standard output.

A process of its own since a failed installation may crash the interpreter at its exit (a race between the Rust
runtime and Python's finalisation), which `os._exit` avoids, and to give its memory back. The request:

    {"channels": [URL], "subdir": "linux-64", "specs": [TEXT], "virtual_packages": [[NAME, VERSION, BUILD]],
     "offline": false, "prefix": PATH or null, "lock": PATH or null, "wheels": [[NAME, VERSION, URL]]}

Events: `solved` with the records; after it the installation waits for a line on standard input; `progress` with
bytes and total; `done`; or `failed` with a kind and a message. The verdict is the last event, never the exit status.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import rattler
from rattler.exceptions import FetchRepoDataError, GatewayError, SolverError

__all__ = ["main"]

_CHUNK = 1 << 20


class _Failed(Exception):
    """A failure with its kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _tell(event: str, **content: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **content}) + "\n")
    sys.stdout.flush()


class _Reporter(rattler.InstallerReporter):  # type: ignore[misc]
    """Adds up the bytes of all downloads, told at most once a percent."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.fetched: dict[int, int] = {}
        self.told = 0

    def on_download_progress(self, download_idx: int, progress: int, _total: int | None) -> None:
        self.fetched[download_idx] = progress
        fetched = sum(self.fetched.values())
        if fetched - self.told > self.total / 100:
            self.told = fetched
            _tell("progress", bytes=fetched, total=self.total)


def _document(record: Any) -> dict[str, Any]:
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "build": str(record.build),
        "subdir": str(record.subdir),
        "channel": str(record.channel),
        "url": str(record.url),
        "file_name": str(record.file_name),
        "sha256": record.sha256.hex() if record.sha256 else None,
        "md5": record.md5.hex() if record.md5 else None,
        "size": record.size,
        "index": json.loads(record.to_json()),
    }


async def _solve(request: Mapping[str, Any], client: Any) -> list[Any]:
    action = "force-cache-only" if request["offline"] else "cache-or-fetch"
    gateway = rattler.Gateway(
        client=client, default_config=rattler.SourceConfig(cache_action=action), show_progress=False
    )
    virtual = [
        rattler.GenericVirtualPackage(
            rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build)
        )
        for name, version, build in request["virtual_packages"]
    ]
    try:
        records: list[Any] = await rattler.solve(
            request["channels"],
            [rattler.MatchSpec(text, strict=True) for text in request["specs"]],
            gateway=gateway,
            platforms=[request["subdir"], "noarch"],
            virtual_packages=virtual,
        )
    except SolverError as error:
        raise _Failed("unsatisfiable", str(error)) from error
    except (GatewayError, FetchRepoDataError) as error:
        raise _Failed("unreachable", str(error)) from error
    return records


def _check_local(records: list[Any]) -> None:
    """Compare the hashes of packages in `file://` channels, which rattler 0.28 installs unchecked.

    Before anything is installed: what rattler has once unpacked into its cache, it takes from there unasked.
    """
    local = [record for record in records if urlsplit(record.url).scheme == "file"]
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(_check_hash, local):
            pass


def _check_hash(record: Any) -> None:
    path = Path(unquote(urlsplit(record.url).path))
    algorithm, expected = ("sha256", record.sha256) if record.sha256 else ("md5", record.md5)
    if not expected:
        raise _Failed("unchecked", f"{path}: its channel tells no hash, so it cannot be checked")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise _Failed("missing", f"{path}: {error.strerror}") from error
    if digest.digest() != expected:
        raise _Failed(
            "tampered",
            f"{path}: its {algorithm} is {digest.hexdigest()}, its channel has {expected.hex()}",
        )


def _share(prefix: Path) -> None:
    """Give the records in conda-meta, written for their owner alone, the access that the umask grants."""
    umask = os.umask(0)
    os.umask(umask)
    for path in (prefix / "conda-meta").glob("*.json"):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o666 & ~umask))


async def _install(request: Mapping[str, Any], records: list[Any], client: Any) -> None:
    _check_local(records)
    prefix = Path(request["prefix"])
    wanted = [rattler.MatchSpec(text, strict=True)._match_spec for text in request["specs"]]  # noqa: SLF001
    total = sum(record.size or 0 for record in records)
    try:
        await rattler.install(
            records,
            prefix,
            installed_packages=[],
            client=client,
            platform=rattler.Subdir(request["subdir"]),
            execute_link_scripts=True,
            requested_specs=wanted,
            reporter=_Reporter(total),
        )
    except Exception as error:
        raise _Failed("failed", str(error)) from error
    _share(prefix)


def _write_lock(request: Mapping[str, Any], records: list[Any]) -> None:
    virtual = [f"{name}={version}={build}" for name, version, build in request["virtual_packages"]]
    platform = rattler.LockPlatform(
        request["subdir"], rattler.Subdir(request["subdir"]), virtual_packages=virtual
    )
    lock = rattler.LockFile([platform])
    lock.set_channels("default", [rattler.LockChannel(url) for url in request["channels"]])
    for record in sorted(records, key=lambda entry: entry.url):
        lock.add_conda_package("default", platform, record)
    for name, version, place in request["wheels"]:
        lock.add_pypi_package("default", platform, name, version, place)
    lock.to_path(Path(request["lock"]))


def _client() -> Any:
    """Return a client with the mirrors, proxies and credentials of the user's pixi and rattler settings."""
    return rattler.Client.from_config(rattler.Config.load_from_default_locations("pixi"))


async def _work(request: Mapping[str, Any]) -> None:
    client = _client()
    records = await _solve(request, client)
    _tell("solved", records=[_document(record) for record in records])
    if request.get("lock"):
        _write_lock(request, records)
    if request.get("prefix"):
        if not sys.stdin.readline():
            raise _Failed("stopped", "the run that asked for it has ended")
        await _install(request, records, client)


def main() -> None:
    """Work off one request and end the process at once."""
    try:
        asyncio.run(_work(json.loads(sys.stdin.readline())))
        _tell("done")
    except _Failed as failure:
        _tell("failed", kind=failure.kind, message=str(failure))
    except Exception as error:  # noqa: BLE001 (a process boundary: the parent words it)
        _tell("failed", kind="crashed", message=f"{type(error).__name__}: {error}")
    os._exit(0)


if __name__ == "__main__":
    main()
