"""Loss curves in characters: braille on a terminal, plain ASCII elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["draw_curve"]

_BRAILLE = 0x2800
_DOTS = (
    (0x01, 0x08),
    (0x02, 0x10),
    (0x04, 0x20),
    (0x40, 0x80),
)  # rows from the top, left and right column


def draw_curve(losses: Sequence[float], width: int, height: int, *, braille: bool) -> list[str]:
    """Return `height` lines of at most `width` characters, the largest loss at the top and zero at the bottom.

    A braille character holds 2 x 4 dots. Losses that are no numbers are left out.
    """
    across, down = (2, 4) if braille else (1, 1)
    columns, rows = width * across, height * down
    cells = [[0] * width for _ in range(height)]
    top = max((loss for loss in losses if loss == loss and loss != float("inf")), default=0.0)  # noqa: PLR0124
    for column in range(columns if len(losses) > 1 else 1):
        loss = (
            losses[round(column * (len(losses) - 1) / max(1, columns - 1))]
            if losses
            else float("nan")
        )
        if not 0 <= loss <= top:
            continue
        row = min(rows - 1, int((1 - loss / top) * rows)) if top else rows - 1
        cells[row // down][column // across] |= _DOTS[row % 4][column % 2] if braille else 1
    if braille:
        return ["".join(chr(_BRAILLE + dots) for dots in line) for line in cells]
    return ["".join("*" if dots else " " for dots in line).rstrip() for line in cells]
