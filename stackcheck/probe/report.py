"""What the child process tells: one JSON line for each call that it begins, and one for each answer.

Imported by the child: nothing here may import more than the standard library's lightest modules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

__all__ = ["CRASHED", "FUNCTION_NOT_FOUND", "LIBRARY_NOT_FOUND", "NOT_LOADED", "Report"]

LIBRARY_NOT_FOUND = 12
"""NVML_ERROR_LIBRARY_NOT_FOUND."""
FUNCTION_NOT_FOUND = 13
"""NVML_ERROR_FUNCTION_NOT_FOUND."""
NOT_LOADED = -100_001
"""Under a system root a library outside LD_LIBRARY_PATH is another machine's and is not asked."""
CRASHED = -100_002
"""The binding itself failed: a value that it could not convert."""


class Report:
    """Writes facts as they come, so that a hang or a crash loses only the call that it is in."""

    def __init__(self, stream: BinaryIO, skip: Iterable[tuple[str, int | None]] = ()) -> None:
        self._stream = stream
        self._skip = frozenset(skip)

    def skips(self, call: str, gpu: int | None = None) -> bool:
        """Tell whether a call is to be left out, because it hung or crashed before."""
        return (call, gpu) in self._skip

    def ask(
        self, call: str, fetch: Callable[[], tuple[int, Any]], gpu: int | None = None
    ) -> tuple[int, Any] | None:
        """Make one call; return its code and value, None if it is left out."""
        if self.skips(call, gpu):
            return None
        self._write({"begin": call, "gpu": gpu})
        code, value = fetch()
        self.tell(call, code, value, gpu)
        return code, value

    def tell(self, call: str, code: int, value: Any = None, gpu: int | None = None) -> None:
        """Write an answer."""
        self._write({"call": call, "gpu": gpu, "code": code, "value": value})

    def end(self) -> None:
        """Say that nothing more comes."""
        self._write({"end": True})

    def _write(self, record: dict[str, Any]) -> None:
        self._stream.write(json.dumps(record).encode() + b"\n")
        self._stream.flush()
