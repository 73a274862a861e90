"""The child process that alone loads the driver's libraries: `python -m stackcheck.probe.gpu_child REQUEST`.

REQUEST is JSON: `skip`, the calls to leave out as [call, gpu]; `last`, GPUs to ask after the others; `nvml` and `cuda`,
paths of the libraries where the loader is not to choose, false where none may be loaded; `nodes`, what to open.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from typing import Any

from stackcheck.probe.report import LIBRARY_NOT_FOUND, NOT_LOADED, Report

__all__ = ["main"]


def main(request: str) -> None:
    """Ask NVML, then libcuda, then say that this is all."""
    asked: dict[str, Any] = json.loads(request)
    stream = os.fdopen(os.dup(1), "wb")
    with contextlib.suppress(OSError):  # what a library prints must not get between the facts
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    report = Report(stream, ((call, gpu) for call, gpu in asked.get("skip", ())))
    _ask_nvml(report, asked)
    if asked.get("cuda") is False:
        report.tell("cuda_library", NOT_LOADED)
    else:
        from stackcheck.probe.libcuda import ask_libcuda

        ask_libcuda(report, asked.get("cuda"))
    report.tell("loaded", 0, _loaded())
    for path in asked.get("nodes", ()):
        report.ask(f"open {path}", lambda path=path: _open(path))  # type: ignore[misc]
    report.end()
    # A library that hangs in its destructors would hold the process up, and nothing is left to be said.
    os._exit(0)


def _ask_nvml(report: Report, asked: dict[str, Any]) -> None:
    """Load the library first: without one there is nothing to import pynvml for, the slowest part of the child.

    pynvml loads by soname and then gets the one that is loaded. On Windows it knows where to look.
    """
    path = asked.get("nvml")
    if path is False:
        report.tell("init", NOT_LOADED)
        return
    if sys.platform != "win32":
        try:
            ctypes.CDLL(path or "libnvidia-ml.so.1")
        except OSError as error:
            report.tell("init", NOT_LOADED if path else LIBRARY_NOT_FOUND, str(error)[:256])
            return
    from stackcheck.probe.nvml import ask_nvml

    ask_nvml(report, asked.get("last", ()))


def _open(path: str) -> tuple[int, None]:
    """Open a node and close it again: a control group refuses what the permission bits allow. Return errno."""
    try:
        os.close(os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0)))
    except OSError as error:
        return error.errno or 0, None
    return 0, None


def _loaded() -> list[str]:
    """Return the files behind the driver's libraries in this process, as the kernel tells them."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # noqa: PTH123 (start-up)
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except (OSError, IndexError):
        return []
    return sorted(path for path in paths if "/libnvidia-ml.so" in path or "/libcuda.so" in path)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "{}")
