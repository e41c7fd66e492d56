"""The brightness of a picture at low resolution: what everything here looks at."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from relaycore._relaycore import FrameBuffer

__all__ = ["HEIGHT", "WIDTH", "Plane", "Sampler"]

Plane: TypeAlias = NDArray[np.float32]
"""Rows of brightness, 0 for black and 255 for white in either range."""

WIDTH: Final = 80
HEIGHT: Final = 45
"""Points of a plane; fewer where the picture has fewer."""

SAMPLES: Final = 3
"""Pixels a side of which a point is the mean: nine take two thirds of the noise away."""

_BLACK: Final = 16
_SPAN: Final = 219
"""Luma of black, and from there to white, in the limited range (ITU-R BT.601)."""


class Sampler:
    """Makes planes of pictures of one size."""

    def __init__(self, width: int, height: int, *, full_range: bool) -> None:
        self.width, self.height = min(WIDTH, width), min(HEIGHT, height)
        self._size = (width, height)
        self._full_range = full_range
        self._across, self._down = min(SAMPLES, width // self.width), min(SAMPLES, height // self.height)
        self._columns = _places(width, self.width * self._across)
        self._rows = _places(height, self.height * self._down)

    def plane(self, buffer: FrameBuffer) -> Plane:
        """The plane of a picture, which is not kept."""
        width, height = self._size
        with memoryview(buffer) as view:
            luma = np.frombuffer(view, np.uint8, width * height).reshape(height, width)
            points = luma.take(self._rows, axis=0).take(self._columns, axis=1)
            # What shows the buffer must be gone before it can be filled again.
            del luma
        blocks = points.reshape(self.height, self._down, self.width, self._across)
        plane: Plane = blocks.mean(axis=(1, 3), dtype=np.float32)
        if not self._full_range:
            plane = (plane - _BLACK) * np.float32(255 / _SPAN)
        return plane


def _places(pixels: int, count: int) -> NDArray[np.intp]:
    """So many places at even distances, each in the middle of its share."""
    return ((np.arange(count) + 0.5) * pixels / count).astype(np.intp)
