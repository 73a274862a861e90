"""The stack as an SVG picture: the GPU at the bottom, the frameworks on top."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from stackcheck.render.stack import Row

__all__ = ["draw_stack"]

WIDTH = 360
"""Units of the drawing: a phone's width, so that its text is never smaller than written."""
HEIGHT = 44
GAP = 6
LETTERS = 44
"""What fits into a box at 12 units a letter."""
_MARKS = {"ok": "✓", "info": "i", "warning": "!", "error": "✗", "unknown": "?"}


def draw_stack(rows: Sequence[Row]) -> str:
    """Return the picture as one SVG element; colours come from the page's classes, so that it follows dark mode."""
    total = len(rows) * (HEIGHT + GAP) + GAP
    summary = "; ".join(f"{row.layer.label}: {row.status}" for row in rows)
    boxes = "\n".join(
        _box(row, total - (height + 1) * (HEIGHT + GAP)) for height, row in enumerate(rows)
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {total}" role="img" class="stack"'
        f' aria-label="{escape(f"Stack from GPU to framework: {summary}")}">\n{boxes}\n</svg>'
    )


def _box(row: Row, top: int) -> str:
    text = row.text if len(row.text) <= LETTERS else f"{row.text[: LETTERS - 1].rstrip()}…"
    return (
        f'<g class="box {row.status}" transform="translate(0 {top})">'
        f"<title>{escape(f'{row.layer.label}: {row.status}. {row.text}')}</title>"
        f'<rect x="1" width="{WIDTH - 2}" height="{HEIGHT}" rx="7"/>'
        f'<text class="mark" x="20" y="29" text-anchor="middle">{_MARKS.get(row.status, "-")}</text>'
        f'<text class="label" x="40" y="18">{escape(row.layer.label)}</text>'
        f'<text class="what" x="40" y="35">{escape(text)}</text></g>'
    )
