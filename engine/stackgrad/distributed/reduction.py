"""How values of several ranks are combined into one."""

from __future__ import annotations

import enum


class ReduceOp(enum.Enum):
    """The combinations; AVG is for floating-point types, the last three for integers."""

    SUM = "sum"
    AVG = "avg"
    PRODUCT = "product"
    MIN = "min"
    MAX = "max"
    BAND = "band"
    BOR = "bor"
    BXOR = "bxor"
