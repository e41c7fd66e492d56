"""Motion by cells: what differs from the picture a moment ago by more than noise and light."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from relaycore.onvif.analysis.plane import Plane
from relaycore.settings.motion import MotionSettings

__all__ = ["Motion"]

APART: Final = 3
"""Pictures between the two that are compared: what is slow has moved by then."""

NOISE: Final = 4.0
"""A point has changed where it differs by so many times the median of all differences. That of noise is two
thirds of its deviation; it holds while less than half of the picture moves."""

SHARE: Final = 0.15
"""Part of the points of a cell that has to change."""

STEP: Final = 6.0
"""The light has changed where the median of the differences is as high."""

MOST_CHANGED: Final = 0.6
"""Where more of the picture changes at once, it is the light, or something that hides the camera."""

IN_A_ROW: Final = 2
"""Pictures that have to show motion, one after the other."""

_SECOND: Final = 1_000_000_000


class Motion:
    """Says after each plane whether something moves, and in which cells.

    Of a picture in which the light changes nothing is said, and nothing is until the pictures that are
    compared are all from afterwards; what held before holds on as long as it would.
    """

    def __init__(self, settings: MotionSettings, width: int, height: int) -> None:
        self.moving = False
        self.cells: tuple[int, ...] = ()
        """The cells that move, by number: row by row, from the left."""
        self._columns, self._rows = min(settings.columns, width), min(settings.rows, height)
        self._least = min(settings.cells, self._columns * self._rows)
        self._hold_ns = int(settings.hold_seconds * _SECOND)
        self._threshold = threshold(settings.sensitivity)
        self._cell_of = _cells(width, height, self._columns, self._rows)
        self._needed = np.maximum(1.0, SHARE * np.bincount(self._cell_of))
        self._before: deque[Plane] = deque(maxlen=APART)
        self._in_a_row = 0
        self._last_ns = 0

    @property
    def grid(self) -> tuple[int, int]:
        """Columns and rows, which are fewer than wished where the picture has fewer points."""
        return self._columns, self._rows

    def take(self, plane: Plane, at_ns: int) -> None:
        """The next plane, taken at this time of the engine's clock."""
        cells = self._compare(plane)
        if cells is not None and len(cells) >= self._least:
            self._in_a_row += 1
            if self.moving or self._in_a_row >= IN_A_ROW:
                self.moving, self.cells, self._last_ns = True, cells, at_ns
        else:
            self._in_a_row = 0
        if self.moving and at_ns - self._last_ns >= self._hold_ns:
            self.moving, self.cells = False, ()

    def _compare(self, plane: Plane) -> tuple[int, ...] | None:
        """The cells that differ; ``None`` where that cannot be said."""
        before = self._before[0] if len(self._before) == APART else None
        if before is None:
            self._before.append(plane)
            return None
        difference = plane - before
        light = np.median(difference)
        difference -= light
        np.abs(difference, out=difference)
        changed = difference > self._threshold + NOISE * np.median(difference)
        if abs(light) > STEP or np.count_nonzero(changed) > MOST_CHANGED * changed.size:
            self._before.clear()
            self._before.append(plane)
            return None
        self._before.append(plane)
        counts = np.bincount(self._cell_of, weights=changed.ravel())
        return tuple(np.flatnonzero(counts >= self._needed).tolist())


def threshold(sensitivity: int) -> float:
    """By how much a point has to change beside noise: 4 of 255 at 100, 16 at 50, 60 at 1."""
    return float(4 * 15 ** ((100 - sensitivity) / 99))


def _cells(width: int, height: int, columns: int, rows: int) -> NDArray[np.intp]:
    """The number of its cell for each point of a plane."""
    across = np.arange(width) * columns // width
    down = np.arange(height) * rows // height
    return (down[:, None] * columns + across).ravel()
