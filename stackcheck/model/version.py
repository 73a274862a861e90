"""Versions and GPU architectures as the field writes them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = [
    "Architecture",
    "DriverVersion",
    "InvalidVersion",
    "Version",
    "VersionField",
    "cuda_of_build",
    "parse_version",
]


class DriverVersion(Version):
    """A version that prints as NVIDIA wrote it: `580.95.05` equals `580.95.5` and stays itself."""

    __slots__ = ("_text",)

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self._text = version.strip()

    def __str__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[type[DriverVersion], tuple[str]]:
        return DriverVersion, (self._text,)


class _VersionSchema:
    """Tells pydantic how a version stands in JSON: as its text."""

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> Any:
        from pydantic_core import core_schema

        def parse(value: object) -> Version:
            try:
                return value if isinstance(value, Version) else DriverVersion(str(value))
            except InvalidVersion as error:
                raise ValueError(f"{value!r} is not a version") from error

        return core_schema.no_info_plain_validator_function(
            parse, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, str]:
        return {"type": "string", "format": "version"}


VersionField = Annotated[Version, _VersionSchema()]


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """Parse a version, cached because matrices repeat few texts in many rows.

    Raises `InvalidVersion`.
    """
    return Version(text)


_ARCHITECTURE = re.compile(r"(sm|compute|lto)_(\d+)(\d)([af]?)$")


class Architecture(NamedTuple):
    """One target of compiled GPU code: `sm_86`, `sm_90a`, or `compute_90` for PTX.

    `suffix` is "a" (this capability only) or "f" (this capability's family only), after the CUDA compiler's
    documentation of architecture-specific and family-specific features.
    """

    major: int
    minor: int
    suffix: str = ""
    ptx: bool = False

    @classmethod
    @lru_cache(maxsize=512)
    def parse(cls, text: str) -> Architecture:
        """Parse `sm_86` or `compute_90`. Raises `ValueError`."""
        found = _ARCHITECTURE.match(text)
        if not found:
            raise ValueError(f"{text!r} is not an architecture such as sm_86 or compute_90")
        kind, major, minor, suffix = found.groups()
        return cls(int(major), int(minor), suffix, kind != "sm")

    @property
    def capability(self) -> Version:
        """The compute capability that it is named after."""
        return parse_version(f"{self.major}.{self.minor}")

    def __str__(self) -> str:
        return f"{'compute' if self.ptx else 'sm'}_{self.major}{self.minor}{self.suffix}"


_BUILD = re.compile(r"(?:cu|cuda)-?(\d+)(?:\.(\d+))?$")


def cuda_of_build(build: str) -> Version | None:
    """Return the CUDA version that a label such as `cu128`, `cu92` or `cuda12.9` names; None if it names none.

    The last digit is the minor version, as in every index since `cu75`; a bare major (`cu12`) names no release.
    """
    found = _BUILD.match(build)
    if not found:
        return None
    digits, minor = found.groups()
    if minor is not None:
        return parse_version(f"{digits}.{minor}")
    if len(digits) == 3 or (len(digits) == 2 and digits[0] in "6789"):
        return parse_version(f"{digits[:-1]}.{digits[-1]}")
    return None
