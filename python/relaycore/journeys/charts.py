"""The charts of the page: bars and columns as SVG, which needs no library, script or network.

They are simple enough to be drawn here, so that the page can be made where no library of plots is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

__all__ = ["Bar", "bars", "columns", "number", "share", "span"]

WIDTH: Final = 920
ROW: Final = 30
LABEL: Final = 170
"""Pixels of the names on the left."""

NOTE: Final = 250
"""Pixels of what stands behind the longest bar."""

HEIGHT: Final = 200
"""Pixels of columns."""


class Bar(NamedTuple):
    """A bar: its name, its length, how much of it is pale, and what is written behind it."""

    name: str
    value: float
    pale: float
    note: str


def bars(rows: Sequence[Bar], title: str) -> str:
    """Bars below each other, the longest as wide as there is room."""
    most = max((row.value + row.pale for row in rows), default=0) or 1
    room = WIDTH - LABEL - NOTE
    parts = []
    for place, row in enumerate(rows):
        top = place * ROW
        width, pale = room * row.value / most, room * row.pale / most
        parts.append(
            f'<text class="name" x="{LABEL - 10}" y="{top + 20}">{escape(row.name)}</text>'
            f'<rect class="full" x="{LABEL}" y="{top + 5}" width="{width:.1f}" height="20"/>'
            f'<rect class="pale" x="{LABEL + width:.1f}" y="{top + 5}" width="{pale:.1f}" height="20"/>'
            f'<text class="note" x="{LABEL + width + pale + 8:.1f}" y="{top + 20}">{escape(row.note)}</text>'
        )
    return _svg(parts, len(rows) * ROW + 4, title)


def columns(names: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], title: str) -> str:
    """Groups of columns beside each other, one group for each name, with a scale and a legend."""
    most = _round_up(max((value for _, values in series for value in values), default=0) or 1)
    left, bottom = 60, HEIGHT + 14
    room = WIDTH - left - 10
    step = room / max(len(names), 1)
    width = min(step * 0.8 / len(series), 40.0)
    parts = []
    for part in range(5):
        value = most * part / 4
        y = bottom - HEIGHT * part / 4
        parts.append(
            f'<line class="grid" x1="{left}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="name" x="{left - 8}" y="{y + 4:.1f}">{value:g}</text>'
        )
    every = max(1, -(-len(names) // 10))
    for place, name in enumerate(names):
        middle = left + step * (place + 0.5)
        for which, (of, values) in enumerate(series):
            height = HEIGHT * values[place] / most
            x = middle + (which - len(series) / 2) * width
            parts.append(
                f'<rect class="series{which}" x="{x:.1f}" y="{bottom - height:.1f}" width="{width:.1f}" '
                f'height="{height:.1f}"><title>{escape(name)}: {escape(of)} {values[place]:g}</title></rect>'
            )
        if place % every == 0:
            parts.append(f'<text class="tick" x="{middle:.1f}" y="{bottom + 18}">{escape(name)}</text>')
    x = left
    for which, (of, _) in enumerate(series):
        parts.append(
            f'<rect class="series{which}" x="{x}" y="{bottom + 34}" width="12" height="12"/>'
            f'<text class="note" x="{x + 18}" y="{bottom + 45}">{escape(of)}</text>'
        )
        x += 40 + 8 * len(of)
    return _svg(parts, bottom + 56, title)


def share(part: int, whole: int) -> str:
    """Part of a whole in percent."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


def number(value: int) -> str:
    """A number with its thousands apart."""
    return f"{value:,}"


def span(milliseconds: float | None) -> str:
    """A time as a person reads it."""
    if milliseconds is None:
        return "-"
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _round_up(value: float) -> float:
    """The next number of 1, 2, 4, 8 or so: a scale that is read easily."""
    scale = 4.0
    while scale < value:
        scale *= 2.5 if str(scale)[0] == "4" else 2
    return scale


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )
