"""Bytes that can be read anywhere: a file, memory, or a remote file by HTTP ranges."""

from __future__ import annotations

import io
import os
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stackcheck.errors import Undeterminable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Blob", "BlobStream", "FileBlob", "HttpBlob", "MemoryBlob", "Unreachable", "slice_blob"]

_BLOCK = 256 * 1024
_KEPT_BLOCKS = 64
_MAX_AHEAD_BLOCKS = 32
"""Blocks that one request asks for at most beyond what was wanted, once reads follow one another."""
_TIMEOUT_S = 60
_PAUSES_S = (0.5, 4.0)
"""Waits before a request that failed in passing is made again."""
_PASSING = frozenset({429, 500, 502, 503, 504})


class Unreachable(Undeterminable):
    """A remote file or index that did not answer; the message names its address and why."""


class Blob(Protocol):
    """Something of a known size that can be read at any offset."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer at the end."""


class MemoryBlob:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        return self._data[offset : offset + size]


class FileBlob:
    """A file on disk, open until `close`. Raises `OSError` if it cannot be opened."""

    def __init__(self, path: Path | str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 (closed by `close`)
        self.size = os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        self._file.seek(offset)
        return self._file.read(size)

    def close(self) -> None:
        """Close the file; `contextlib.closing` does it at the end of a block."""
        self._file.close()


class HttpBlob:
    """A remote file, read in blocks by HTTP ranges. Raises `Unreachable`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fetched_bytes = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next_block = -1
        self._ahead = 0
        _, headers, _ = self._request({}, method="HEAD")
        length = headers.get("Content-Length")
        if length is None:
            raise Unreachable(f"{url}: the server does not tell the size")
        self.size = int(length)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; neighbouring blocks that are missing come in one request."""
        end = min(offset + size, self.size)
        if offset >= end:
            return b""
        first, last = offset // _BLOCK, (end - 1) // _BLOCK
        missing = [index for index in range(first, last + 1) if index not in self._blocks]
        if missing:
            self._fetch(missing[0], missing[-1])
        data = b"".join(self._blocks[index] for index in range(first, last + 1))
        while len(self._blocks) > max(_KEPT_BLOCKS, last - first + 1):
            self._blocks.popitem(last=False)
        start = offset - first * _BLOCK
        return data[start : start + end - offset]

    def _fetch(self, first: int, last: int) -> None:
        """Fetch blocks; who reads on gets ever more of them at once, since each request costs a new connection."""
        follows = first == self._next_block
        self._ahead = min(max(1, 2 * self._ahead), _MAX_AHEAD_BLOCKS) if follows else 0
        last = min(last + self._ahead, (self.size - 1) // _BLOCK)
        self._next_block = last + 1
        start, stop = first * _BLOCK, min((last + 1) * _BLOCK, self.size)
        status, _, data = self._request({"Range": f"bytes={start}-{stop - 1}"})
        if status != 206:
            raise Unreachable(f"{self.url}: the server does not answer range requests")
        if len(data) != stop - start:
            raise Unreachable(f"{self.url}: the answer broke off after {len(data)} bytes")
        self.fetched_bytes += len(data)
        for index in range(first, last + 1):
            at = (index - first) * _BLOCK
            self._blocks[index] = data[at : at + _BLOCK]
            self._blocks.move_to_end(index)

    def _request(self, headers: dict[str, str], method: str = "GET") -> tuple[int, Any, bytes]:
        """Return status, headers and body, trying again what may pass."""
        request = urllib.request.Request(self.url, headers=headers, method=method)  # noqa: S310
        pauses_s = iter(_PAUSES_S)
        while True:
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                    # A server that ignores the range sends all: nobody wants to wait for that.
                    data = answer.read() if answer.status == 206 else b""
                    return answer.status, answer.headers, data
            except (OSError, ValueError, HTTPException) as error:
                pause_s = next(pauses_s, None)
                if pause_s is None or not _may_pass(error):
                    raise Unreachable(f"{self.url}: {reason_of(error)}") from error
            time.sleep(pause_s)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _PASSING
    return isinstance(error, TimeoutError | ConnectionError | IncompleteRead)


def reason_of(error: BaseException) -> str:
    """Return why a request failed, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


class _Slice:
    def __init__(self, blob: Blob, offset: int, size: int) -> None:
        self._blob = blob
        self._offset = offset
        self.size = max(0, min(size, blob.size - offset))

    def read_at(self, offset: int, size: int) -> bytes:
        if offset >= self.size:
            return b""
        return self._blob.read_at(self._offset + offset, min(size, self.size - offset))


def slice_blob(blob: Blob, offset: int, size: int) -> Blob:
    """Return a part of a blob as a blob of its own."""
    return _Slice(blob, offset, size)


class BlobStream(io.RawIOBase):
    """A blob as a seekable binary file, for parsers that want one."""

    def __init__(self, blob: Blob) -> None:
        super().__init__()
        self._blob = blob
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, also behind the end; before the start is a `ValueError`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._blob.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer from the position on."""
        view = memoryview(buffer)
        data = self._blob.read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
