"""The operations, by what they do; importing this package publishes all of them."""

from __future__ import annotations

from stackgrad.ops import (  # noqa: F401  (each publishes its operations)
    comparison,
    creation,
    elementwise,
    indexing,
    copies,
    joining,
    linalg,
    reduction,
    selection,
    views,
)
from stackgrad.ops.table import FUNCTIONS

__all__ = ["FUNCTIONS"]
