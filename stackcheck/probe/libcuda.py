"""The one door to libcuda, used only inside the child process: `cuDriverGetVersion` and `cuInit` by ctypes."""

from __future__ import annotations

import ctypes
import sys

from stackcheck.probe.report import FUNCTION_NOT_FOUND, LIBRARY_NOT_FOUND, NOT_LOADED, Report

__all__ = ["LIBCUDA", "ask_libcuda"]

LIBCUDA = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def ask_libcuda(report: Report, path: str | None) -> None:
    """Tell the CUDA driver version and what `cuInit` returns; `path` is the library, None for the loader's choice.

    `cuInit` comes last of all: with a sick driver it is the call that hangs.
    """
    try:
        library = ctypes.CDLL(path or LIBCUDA)
    except OSError as error:
        missing = "cannot open shared object file" in str(error) or sys.platform == "win32"
        report.tell("cuda_library", LIBRARY_NOT_FOUND if missing else NOT_LOADED, str(error)[:256])
        return
    report.tell("cuda_library", 0, path or LIBCUDA)

    def get_version() -> tuple[int, int | None]:
        version = ctypes.c_int(0)
        try:
            code = int(library.cuDriverGetVersion(ctypes.byref(version)))
        except AttributeError:
            return FUNCTION_NOT_FOUND, None
        return code, version.value

    def initialise() -> tuple[int, None]:
        try:
            return int(library.cuInit(0)), None
        except AttributeError:
            return FUNCTION_NOT_FOUND, None

    report.ask("cuDriverGetVersion", get_version)
    report.ask("cuInit", initialise)
