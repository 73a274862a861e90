"""cuda-compat's ELF note: which driver releases a forward-compatible libcuda may sit on.

Section `.note.cuda.fwd_compatibility`, vendor `NVIDIA Corporation`, payload JSON with the key `Driver`
(nvidia-container-toolkit, cmd/nvidia-cdi-hook/cudacompat/cuda-elf-header.go).
"""

from __future__ import annotations

import json
import struct

from stackcheck.model.fact import Absent, Fact, Known, Unknown
from stackcheck.probe.dynamic import read_section
from stackcheck.probe.host import HostReader

__all__ = ["SECTION", "forward_compatibility"]

SECTION = ".note.cuda.fwd_compatibility"
_HEADER = struct.Struct("<III")


def forward_compatibility(host: HostReader, soname: str, path: str) -> Fact[tuple[int, ...]]:
    """Return the driver majors in the note of a libcuda; absent in an ordinary one and in any other library."""
    if not soname.startswith("libcuda.so"):
        return Absent(path)
    if (host.read(path, 4).peek() or b"") != b"\x7fELF":
        return Absent(f"{path}: no ELF file")
    section = read_section(host, path, SECTION)
    if not isinstance(section, Known):
        return section if isinstance(section, Unknown) else Absent(path)
    if section.value is None:
        return Absent(f"{path}: {SECTION}")
    source = f"{path}: {SECTION}"
    try:
        name_size, content_size, _ = _HEADER.unpack_from(section.value)
        start = _HEADER.size + (name_size + 3) // 4 * 4
        document = json.loads(section.value[start : start + content_size].rstrip(b"\0"))
        return Known(tuple(int(major) for major in document["Driver"]), source)
    except (struct.error, ValueError, TypeError, KeyError) as error:
        return Unknown(f"malformed: {error}", source)
