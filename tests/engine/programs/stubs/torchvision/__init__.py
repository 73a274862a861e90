"""What small programs use of torchvision, with generated data: nothing is downloaded."""

from __future__ import annotations

from torchvision import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]
