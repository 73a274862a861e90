"""NVRTC: CUDA source to machine code, without a GPU and without a driver."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

from stackgrad.libraries.binding import Library, LibraryError, locate, packaged

_PATTERNS = ("libnvrtc.so.1[0-9]", "nvrtc64_*_0.dll")
FUNCTIONS = {
    "nvrtcVersion": "pp",
    "nvrtcGetNumSupportedArchs": "p",
    "nvrtcGetSupportedArchs": "p",
    "nvrtcCreateProgram": "pppipp",
    "nvrtcCompileProgram": "pip",
    "nvrtcGetProgramLogSize": "pp",
    "nvrtcGetProgramLog": "pp",
    "nvrtcGetCUBINSize": "pp",
    "nvrtcGetCUBIN": "pp",
    "nvrtcDestroyProgram": "p",
}


class CompileError(LibraryError):
    """CUDA source that does not compile; the message is the compiler's log."""


def _describe(loaded: ctypes.CDLL, status: int) -> str:
    loaded.nvrtcGetErrorString.restype = ctypes.c_char_p
    text: bytes = loaded.nvrtcGetErrorString(status) or b""
    return text.decode()


class NVRTC:
    """One copy of the library."""

    def __init__(self, path: str) -> None:
        self.library = Library("NVRTC", path, FUNCTIONS, _describe)
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
        self.version = (major.value, minor.value)

    def architectures(self) -> list[int]:
        """Return the compute capabilities that it compiles for: 75 is 7.5."""
        count = ctypes.c_int()
        self.library.nvrtcGetNumSupportedArchs(ctypes.byref(count))
        found = (ctypes.c_int * count.value)()
        self.library.nvrtcGetSupportedArchs(found)
        return list(found)

    def compile(
        self, text: str, architecture: int, options: tuple[str, ...] = ("-std=c++14",)
    ) -> bytes:
        """Return the machine code (CUBIN) for one architecture; CompileError with the log where it fails."""
        program = ctypes.c_void_p()
        library = self.library
        library.nvrtcCreateProgram(
            ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None
        )
        try:
            given = [option.encode() for option in (f"-arch=sm_{architecture}", *options)]
            try:
                library.nvrtcCompileProgram(
                    program, len(given), (ctypes.c_char_p * len(given))(*given)
                )
            except LibraryError as error:
                raise CompileError(self._log(program), error.function, error.status) from error
            size = ctypes.c_size_t()
            library.nvrtcGetCUBINSize(program, ctypes.byref(size))
            code = ctypes.create_string_buffer(size.value)
            library.nvrtcGetCUBIN(program, code)
            return code.raw
        finally:
            library.nvrtcDestroyProgram(ctypes.byref(program))

    def _log(self, program: ctypes.c_void_p) -> str:
        size = ctypes.c_size_t()
        self.library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        self.library.nvrtcGetProgramLog(program, log)
        return log.value.decode(errors="replace")


@functools.cache
def find() -> NVRTC:
    """Return the copy that CuPy would use; LibraryError where there is none."""
    return NVRTC(locate("nvrtc", _PATTERNS))


def library() -> Library:
    """Return the binding; LibraryError where the library is not found."""
    return find().library


def version() -> str:
    """Return the library's version."""
    return "{}.{}".format(*find().version)


def find_all() -> list[NVRTC]:
    """Return every copy in this environment, of CUDA 12 and 13 side by side."""
    paths = {Path(path).resolve() for path in packaged(_PATTERNS)}
    found = []
    for path in sorted(paths):
        try:
            found.append(NVRTC(str(path)))
        except (OSError, LibraryError):
            continue
    return found
