"""conda environments without conda: py-rattler, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stackcheck.environments.channels import subdir_of
from stackcheck.environments.conda_settings import channel_url
from stackcheck.environments.creation import Creation
from stackcheck.environments.installers import uv
from stackcheck.environments.locks import explicit_list
from stackcheck.environments.preflight import check_room
from stackcheck.environments.progress import meter
from stackcheck.environments.recipe import Recipe
from stackcheck.environments.tools import ToolFailed, Tools
from stackcheck.environments.virtual_packages import virtual_packages_of

__all__ = ["install", "solve", "write_pixi_lock"]

_HEADS = {
    "unsatisfiable": "no set of conda packages satisfies the plan",
    "unreachable": "a conda channel could not be read",
    "tampered": "a package is not what its channel says; nothing was installed",
    "missing": "a package of the channel is not there; nothing was installed",
    "unchecked": "a package cannot be checked; nothing was installed",
    "failed": "the conda packages could not be installed",
}


def _request(recipe: Recipe, tools: Tools, **changes: Any) -> dict[str, Any]:
    virtual = virtual_packages_of(recipe.plan)
    channels = [channel_url(name) for name in recipe.packages.channels]
    if tools.bundle is not None:
        channels = [(tools.bundle / "channel").as_uri()]
    return {
        "channels": channels,
        "subdir": subdir_of(recipe.plan.platform),
        "specs": [str(spec) for spec in recipe.packages.environment_specs],
        "virtual_packages": [[entry.name, entry.version, entry.build] for entry in virtual],
        "offline": tools.offline,
        "prefix": None,
        "lock": None,
        "wheels": [],
        **changes,
    }


def _converse(
    request: Mapping[str, Any], tools: Tools, approve: Callable[[list[dict[str, Any]]], None]
) -> list[dict[str, Any]]:
    """Run the worker; return the solved records. `approve` sees them before anything is installed, and may raise."""
    records: list[dict[str, Any]] = []
    last: dict[str, Any] = {"event": "failed", "kind": "crashed", "message": "it gave no answer"}
    with subprocess.Popen(
        [sys.executable, "-m", "stackcheck.environments.installers.rattler_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=tools.environment(_own_path()),
    ) as child:
        try:
            for event in _events(child, request, shown=tools.shows_progress):
                last = event
                if event["event"] == "solved":
                    records = event["records"]
                    approve(records)
                    _say(child, "go")
        except BaseException:
            child.kill()
            raise
    if last["event"] != "done":
        raise ToolFailed(
            _HEADS.get(last.get("kind", ""), "py-rattler failed"), last.get("message", "")
        )
    return records


def _say(child: subprocess.Popen[str], line: str) -> None:
    """Write a line to the worker, unbuffered: one that has ended needs none, now or when the pipe is closed."""
    if child.stdin is not None:
        with suppress(BrokenPipeError):
            os.write(child.stdin.fileno(), f"{line}\n".encode())


def _events(
    child: subprocess.Popen[str], request: Mapping[str, Any], *, shown: bool
) -> Iterator[dict[str, Any]]:
    """Hand over the request and yield what the worker tells, its progress shown on the way."""
    _say(child, json.dumps(request))
    with meter("fetching conda packages", shown=shown) as show:
        for line in child.stdout or ():
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "progress":
                show(event["bytes"], event["total"])
            else:
                yield event


def _own_path() -> dict[str, str]:
    """Let the worker find this very StackCheck, installed or not."""
    return {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def solve(recipe: Recipe, tools: Tools) -> list[dict[str, Any]]:
    """Return the records of every conda package that the recipe would get. Raises `ToolFailed`."""
    return _converse(_request(recipe, tools), tools, lambda _: None)


def write_pixi_lock(
    recipe: Recipe, tools: Tools, path: Path, wheels: Iterable[tuple[str, str, str]]
) -> None:
    """Solve and write pixi's lock (version 7) with the wheels given as (name, version, address)."""
    request = _request(recipe, tools, lock=str(path), wheels=[list(wheel) for wheel in wheels])
    _converse(request, tools, lambda _: None)


def install(recipe: Recipe, creation: Creation, tools: Tools) -> None:
    """Solve, check hashes and room, install; then add the wheels."""
    creation.mark()

    def approve(records: list[dict[str, Any]]) -> None:
        check_room(creation.prefix, sum(record["size"] or 0 for record in records))
        (creation.memory / "explicit.txt").write_text(explicit_list(records))

    _converse(_request(recipe, tools, prefix=str(creation.prefix)), tools, approve)
    uv.add_wheels(recipe, creation, tools)
