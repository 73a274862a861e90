"""`torch.utils`: data and checkpointing."""

from __future__ import annotations

from stackgrad.utils import checkpoint, data

__all__ = ["checkpoint", "data"]


def __getattr__(name: str) -> object:
    raise AttributeError(f"stackgrad.utils has no {name!r}: it is not implemented")
