"""Images are made, and not written."""

from __future__ import annotations

from typing import Any

import torch


def make_grid(tensor: Any, nrow: int = 8, **_: Any) -> Any:
    """Return the first images side by side."""
    return torch.cat(list(tensor[:nrow]), 2)


def save_image(tensor: Any, fp: Any, **_: Any) -> None:
    """Take the image and write nothing."""
    del tensor, fp
