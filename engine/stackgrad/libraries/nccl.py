"""NCCL: collective operations between GPUs. Declarations follow `nccl.h`. Not verified on hardware."""

from __future__ import annotations

import ctypes
import functools
from typing import Any, NamedTuple

from stackgrad import dtypes
from stackgrad.libraries.binding import Library, LibraryError, locate

_PATTERNS = ("libnccl.so.2",)


class UniqueId(ctypes.Structure):
    """What all ranks of a communicator must have in common; it is passed by value."""

    _fields_ = (("internal", ctypes.c_char * 128),)


FUNCTIONS = {
    "ncclGetVersion": "p",
    "ncclGetUniqueId": "p",
    "ncclCommInitRank": "piui",
    "ncclCommDestroy": "p",
    "ncclCommAbort": "p",
    "ncclCommSplit": "piipp",
    "ncclCommGetAsyncError": "pp",
    "ncclAllReduce": "ppziipp",
    "ncclReduce": "ppziiipp",
    "ncclBroadcast": "ppziipp",
    "ncclAllGather": "ppzipp",
    "ncclReduceScatter": "ppziipp",
    "ncclSend": "pziipp",
    "ncclRecv": "pziipp",
    "ncclGroupStart": "",
    "ncclGroupEnd": "",
}
TYPES = {
    dtypes.int8: 0,
    dtypes.uint8: 1,
    dtypes.bool_: 1,
    dtypes.int32: 2,
    dtypes.int64: 4,
    dtypes.float16: 6,
    dtypes.float32: 7,
    dtypes.float64: 8,
    dtypes.bfloat16: 9,
}
OPERATIONS = {"sum": 0, "product": 1, "max": 2, "min": 3, "avg": 4}


class Found(NamedTuple):
    """Whether the library can be used, which version it is, and if not why."""

    usable: bool
    version: str | None
    why: str


@functools.cache
def library() -> Library:
    """Return the binding; LibraryError where the library is not found."""
    return Library("NCCL", locate("nccl", _PATTERNS), FUNCTIONS, _describe, {"u": UniqueId})


@functools.cache
def find() -> Found:
    """Say what is there; never raises."""
    try:
        return Found(True, version(), "")
    except (LibraryError, OSError) as error:
        return Found(False, None, str(error))


def version() -> str:
    """Return the library's version, without a GPU."""
    code = ctypes.c_int()
    library().ncclGetVersion(ctypes.byref(code))
    return f"{code.value // 10000}.{code.value % 10000 // 100}.{code.value % 100}"


def unique_id() -> UniqueId:
    """Return a new identity for a communicator, which rank 0 tells the others."""
    found = UniqueId()
    library().ncclGetUniqueId(ctypes.byref(found))
    return found


def _describe(loaded: Any, status: int) -> str:
    loaded.ncclGetErrorString.restype = ctypes.c_char_p
    loaded.ncclGetLastError.restype = ctypes.c_char_p
    loaded.ncclGetLastError.argtypes = [ctypes.c_void_p]
    text: bytes = loaded.ncclGetErrorString(status) or b""
    detail: bytes = loaded.ncclGetLastError(None) or b""
    return " ".join([text.decode(), *detail.decode(errors="replace").split()])
