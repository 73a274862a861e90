"""Arguments about how elements lie in memory: taken where they change nothing, refused where they would."""

from __future__ import annotations

from typing import Any

FORMATS = (None, "preserve_format", "contiguous_format", "channels_last", "channels_last_3d")


def check_hints(layout: Any = None, pin_memory: bool = False, memory_format: Any = None) -> None:
    """Raise for what cannot be had: a sparse layout, pinned memory, a format that PyTorch has not.

    A memory format is where elements lie, not what they are: all are row-major here.
    """
    if layout not in (None, "strided"):
        raise NotImplementedError(f"layout={layout} is not implemented in stackgrad")
    if pin_memory:
        raise NotImplementedError("pin_memory=True is not implemented in stackgrad")
    if memory_format not in FORMATS:
        raise RuntimeError(f"unknown memory_format {memory_format!r}")
