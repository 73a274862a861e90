"""`torch.utils`: data, checkpointing, and memory shared by DLPack."""

from __future__ import annotations

from stackgrad.utils import checkpoint, data, dlpack

__all__ = ["checkpoint", "data", "dlpack"]


def __getattr__(name: str) -> object:
    raise AttributeError(f"stackgrad.utils has no {name!r}: it is not implemented")
