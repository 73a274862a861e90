"""vGPU profiles as NVML names them: `NVIDIA L4-12Q`, `GRID T4-2B`."""

from __future__ import annotations

import re

__all__ = ["VGPU", "series_of"]

VGPU = 2
"""NVML_GPU_VIRTUALIZATION_MODE_VGPU: the guest's view of a virtual GPU."""


def series_of(name: str) -> str:
    """Return the letter of a profile: A, B, C or Q; empty for a whole GPU."""
    found = re.search(r"-\d+([ABCQ])(?:ME)?$", name.strip())
    return found[1] if found else ""
