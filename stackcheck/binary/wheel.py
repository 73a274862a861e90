"""Wheels: their names, their metadata and single files out of them, also by HTTP ranges."""

from __future__ import annotations

import email.parser
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from stackcheck.binary.blob import Blob, BlobStream
from stackcheck.errors import StackCheckError
from stackcheck.model.version import Version, parse_version

__all__ = ["MalformedWheel", "Wheel", "WheelName", "read_wheel_name"]

_MAX_MEMBER_BYTES = 1 << 30
_WINDOW = 4 << 20
_OVERLAP = 64
"""Bytes kept of what was searched in vain: longer than anything that is searched for."""


class MalformedWheel(StackCheckError):
    """Not a wheel, a broken one, or one without the file asked for."""


class WheelName:
    """A wheel's file name: project, version, Python tag and platform."""

    def __init__(self, filename: str) -> None:
        try:
            name, version, _, tags = parse_wheel_filename(filename)
        except (InvalidWheelFilename, ValueError) as error:
            raise MalformedWheel(f"{filename}: {error}") from error
        self.filename = filename
        self.name = str(name)
        self.version = version
        self.interpreters = tuple(sorted({tag.interpreter for tag in tags}))
        abis = {tag.abi for tag in tags}
        self.platforms = tuple(sorted({tag.platform for tag in tags}))
        free_threaded = any(abi.startswith("cp3") and abi.endswith("t") for abi in abis)
        self.python_tags = tuple(
            f"{interpreter}t" if free_threaded and interpreter.startswith("cp3") else interpreter
            for interpreter in self.interpreters
        )

    @property
    def platform(self) -> str:
        """The platform as rows of the matrices name it; empty for pure Python or another system."""
        text = self.platforms[0]
        machine = "aarch64" if text.endswith("aarch64") else "x86_64"
        if text.startswith(("manylinux", "linux")) and text.endswith(("x86_64", "aarch64")):
            return f"linux-{machine}"
        if text == "win_amd64":
            return "windows-x86_64"
        if text.startswith("macosx"):
            arm = text.endswith(("arm64", "universal2"))
            return "macos-arm64" if arm else "macos-x86_64"
        return ""

    @property
    def glibc(self) -> Version | None:
        """Oldest glibc by the platform tag; None off Linux."""
        oldest = {"1": "2.5", "2010": "2.12", "2014": "2.17"}
        found = []
        for text in self.platforms:
            head = (
                text.removeprefix("manylinux").rpartition("_x86_64")[0]
                or text.removeprefix("manylinux").rpartition("_aarch64")[0]
            )
            if head in oldest:
                found.append(parse_version(oldest[head]))
            elif head.startswith("_") and head.count("_") == 2:
                found.append(parse_version(head[1:].replace("_", ".")))
        return min(found, default=None)


def read_wheel_name(filename: str) -> WheelName:
    """Parse a wheel's file name. Raises `MalformedWheel`."""
    return WheelName(filename)


class Wheel:
    """A wheel over any blob; only the parts that are asked for are read. Raises `MalformedWheel`."""

    def __init__(self, blob: Blob) -> None:
        with _own_errors():
            stream = io.BufferedReader(BlobStream(blob), buffer_size=1 << 20)
            self._zip = zipfile.ZipFile(stream)
            self._members = {info.filename: info for info in self._zip.infolist()}

    def names(self) -> tuple[str, ...]:
        """Return the files in it."""
        return tuple(self._members)

    def find(self, ending: str) -> str | None:
        """Return the shortest name that ends so; None if there is none."""
        found = [name for name in self._members if name.endswith(ending)]
        return min(found, key=len, default=None)

    def size_of(self, name: str) -> int:
        """Return the size of a file in it, unpacked."""
        return self._member(name).file_size

    def read(self, name: str) -> bytes:
        """Return a file of it, unpacked."""
        info = self._member(name)
        if info.file_size > _MAX_MEMBER_BYTES:
            raise MalformedWheel(f"{name}: {info.file_size} bytes are too many to unpack")
        with _own_errors():
            return self._zip.read(info)

    def read_from(self, name: str, start: re.Pattern[bytes], size: int) -> bytes:
        """Return up to `size` bytes of a file from where `start` first matches; none if it matches nowhere.

        What comes before is unpacked and forgotten, what comes after is not even fetched.
        """
        found = bytearray()
        is_found = False
        with _own_errors(), self._zip.open(self._member(name)) as stream:
            while (not is_found or len(found) < size) and (chunk := stream.read(_WINDOW)):
                found += chunk
                if not is_found:
                    match = start.search(found)
                    is_found = match is not None
                    del found[: match.start() if match else max(0, len(found) - _OVERLAP)]
        return bytes(found[:size]) if is_found else b""

    def metadata(self) -> Message:
        """Return the METADATA headers."""
        name = self.find(".dist-info/METADATA")
        if name is None:
            raise MalformedWheel("the wheel has no METADATA")
        return email.parser.BytesParser().parsebytes(self.read(name), headersonly=True)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise MalformedWheel(f"the wheel has no {name}")
        return self._members[name]


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turn what zipfile lets slip on broken archives into `MalformedWheel`."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        ValueError,
        LookupError,
        EOFError,
        OSError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise MalformedWheel(
            f"no wheel, or a broken one: {str(error) or type(error).__name__}"
        ) from error
