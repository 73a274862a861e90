"""The operations, by what they do; importing this package publishes all of them."""

from __future__ import annotations

from stackgrad.ops import (  # noqa: F401  (each publishes its operations)
    arithmetic,
    arranging,
    comparison,
    composed,
    copies,
    creation,
    elementwise,
    gamma,
    indexing,
    joining,
    linalg,
    operators,
    quantiles,
    reduction,
    running,
    sampling,
    scattering,
    selection,
    statistics,
    views,
    windows,
)
from stackgrad.ops.table import FUNCTIONS

__all__ = ["FUNCTIONS"]
