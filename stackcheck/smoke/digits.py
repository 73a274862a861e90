"""Handwritten digits that ship with the tool, in a fixed split."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

__all__ = ["Digits", "load_digits"]


@dataclass(frozen=True)
class Digits:
    """Images (n, 1, 8, 8) float32 from 0 to 1, labels (n,) int64; four of five to train on, each fifth held out."""

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    held_out_images: npt.NDArray[np.float32]
    held_out_labels: npt.NDArray[np.int64]


def load_digits() -> Digits:
    """Read the 1,797 digits of `data/digits.npz` (its licence stands beside it)."""
    packed = (files("stackcheck.smoke") / "data" / "digits.npz").read_bytes()
    with np.load(io.BytesIO(packed)) as arrays:
        images = (arrays["images"][:, None].astype(np.float32)) / np.float32(16)
        labels = arrays["labels"].astype(np.int64)
    held_out = np.arange(len(labels)) % 5 == 4
    return Digits(images[~held_out], labels[~held_out], images[held_out], labels[held_out])
