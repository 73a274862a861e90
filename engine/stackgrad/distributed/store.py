"""A table of keys and values that rank 0 serves over TCP: where processes meet, and nothing else.

It carries the little that communicators need before they exist, and says who has left. Values are bytes
that nobody interprets. There is no encryption: like PyTorch's, it is for a trusted network.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
import time
from datetime import timedelta

_HEADER = struct.Struct("<cHId")  # what, length of key, length of value, seconds to wait
_ANSWER = struct.Struct("<cI")
_MOST = 1 << 20  # bytes of a value
_TIMEOUT = 300.0


class StoreError(RuntimeError):
    """The store cannot be reached, or a key did not appear in time."""


class _Server(threading.Thread):
    """Serves the table; every connection has a thread of its own."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name="stackgrad store", daemon=True)
        self.values: dict[str, bytes] = {}
        self.changed = threading.Condition()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family, backlog=1024)
        self.port = int(self.socket.getsockname()[1])

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        member, said_goodbye = "", False
        with connection, contextlib.suppress(ConnectionError, struct.error):
            while True:
                what, keys, size, wait = _HEADER.unpack(_read(connection, _HEADER.size))
                if size > _MOST:
                    break
                key, value = _read(connection, keys).decode(), _read(connection, size)
                if what == b"h":
                    member = key
                elif what == b"b":
                    said_goodbye = True
                answer = self._answer(what, key, value, wait)
                connection.sendall(
                    _ANSWER.pack(b"n" if answer is None else b"y", len(answer or b""))
                    + (answer or b"")
                )
        if member:
            reason = b"it left" if said_goodbye else b"its process ended"
            self._answer(b"s", f"gone/{member}", reason, 0)

    def _answer(self, what: bytes, key: str, value: bytes, wait: float) -> bytes | None:
        with self.changed:
            if what == b"s":
                self.values[key] = value
                self.changed.notify_all()
            elif what == b"g":
                self.changed.wait_for(lambda: key in self.values, wait)
                return self.values.get(key)
            elif what == b"+":
                total = str(int(self.values.get(key, b"0")) + int(value)).encode()
                self.values[key] = total
                self.changed.notify_all()
                return total
            elif what == b"d":
                return b"" if self.values.pop(key, None) is not None else None
            elif what == b"l":
                found = [f"{k}={v.decode()}" for k, v in self.values.items() if k.startswith(key)]
                return "\n".join(found).encode()
            return b""


class TCPStore:
    """The table as a process sees it; the master serves it, too.

    `timeout` bounds connecting and `get`. Raises StoreError, with the address, where the master does
    not answer in time or the port is taken.
    """

    def __init__(
        self,
        host_name: str,
        port: int,
        world_size: int | None = None,
        is_master: bool = False,
        timeout: timedelta | float = _TIMEOUT,
        *,
        listen: str | None = None,
    ) -> None:
        self.host, self.world_size = host_name, world_size
        self.timeout = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        self.server = None
        if is_master:
            try:
                self.server = _Server(listen if listen is not None else host_name, port)
            except OSError as error:
                hint = " (set MASTER_PORT)" if error.errno == errno.EADDRINUSE else ""
                raise StoreError(
                    f"cannot serve the store at {host_name}:{port}: {error}{hint}"
                ) from error
            self.server.start()
            port = self.server.port
        self.port = port
        self._lock = threading.Lock()
        self._socket = self._connect("127.0.0.1" if is_master and not host_name else host_name)

    def _connect(self, host: str) -> socket.socket:
        end = time.monotonic() + self.timeout
        while True:
            try:
                found = socket.create_connection((host, self.port), timeout=self.timeout)
            except OSError as error:
                if time.monotonic() > end:
                    raise StoreError(
                        f"no answer from the store of rank 0 at {host}:{self.port}: {error}"
                    ) from error
                time.sleep(0.05)
            else:
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return found

    def _ask(self, what: bytes, key: str, value: bytes = b"", wait: float = 0.0) -> bytes | None:
        if len(value) > _MOST:
            raise ValueError(f"the store takes values of at most {_MOST} bytes, not {len(value)}")
        name = key.encode()
        try:
            with self._lock:
                self._socket.settimeout(wait + self.timeout)
                self._socket.sendall(_HEADER.pack(what, len(name), len(value), wait) + name + value)
                status, size = _ANSWER.unpack(_read(self._socket, _ANSWER.size))
                answer = _read(self._socket, size)
        except OSError as error:
            raise StoreError(
                f"the store of rank 0 at {self.host}:{self.port} is gone: {error}"
            ) from error
        return answer if status == b"y" else None

    def set(self, key: str, value: str | bytes) -> None:
        """Write a value."""
        self._ask(b"s", key, value.encode() if isinstance(value, str) else value)

    def get(self, key: str, timeout: float | None = None) -> bytes:
        """Return a value, waiting until someone writes it; StoreError where nobody does in time."""
        wait = self.timeout if timeout is None else timeout
        found = self._ask(b"g", key, wait=wait)
        if found is None:
            raise StoreError(f"nobody wrote {key!r} to the store within {wait:g} s")
        return found

    def add(self, key: str, amount: int) -> int:
        """Add to a counter, which begins at 0, and return it."""
        return int(self._ask(b"+", key, str(amount).encode()) or b"0")

    def delete_key(self, key: str) -> bool:
        """Remove a value; return whether there was one."""
        return self._ask(b"d", key) is not None

    def list(self, prefix: str) -> dict[str, str]:
        """Return all values under keys that begin with `prefix`, by the rest of the key."""
        lines = (self._ask(b"l", prefix) or b"").decode().splitlines()
        pairs = (line.partition("=") for line in lines)
        return {key[len(prefix) :]: value for key, _, value in pairs}

    def join(self, rank: int) -> None:
        """Tie this connection to a rank: when it ends, `gone()` names the rank."""
        self._ask(b"h", str(rank))

    def gone(self) -> dict[int, str]:
        """Return the ranks that left, with how."""
        return {int(rank): how for rank, how in self.list("gone/").items()}

    def close(self) -> None:
        """Say goodbye; the master ends the service."""
        with contextlib.suppress(StoreError):
            self._ask(b"b", "")
        self._socket.close()
        if self.server is not None:
            self.server.socket.close()


def _read(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 16))
        if not part:
            raise ConnectionResetError("the other side closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
