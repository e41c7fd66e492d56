"""A small picture of a camera's every second, for those who look whether it stands still or is dark."""

from __future__ import annotations

from typing import Final

import numpy as np

from relaycore._relaycore import FrameBuffer

__all__ = ["HEIGHT", "WIDTH", "Thumbnails", "thumbnail_of"]

WIDTH: Final = 32
HEIGHT: Final = 18
"""Points of a small picture. Each is a pixel of the picture and no mean of some: a mean would hide the noise
by which a camera that works differs from one that is stuck."""

EVERY_NS: Final = 1_000_000_000
"""From one small picture to the next."""

_BLACK: Final = 16
_WHITE: Final = 235
"""Luma of black and white in the limited range (ITU-R BT.601)."""


class Thumbnails:
    """Says when the next one is due. Used by one thread."""

    def __init__(self) -> None:
        self._due = 0

    def is_due(self, at_ns: int) -> bool:
        """Whether one of a picture of this time is to be made; the next is due a second later."""
        if at_ns < self._due:
            return False
        self._due = at_ns + EVERY_NS
        return True


def thumbnail_of(buffer: FrameBuffer, *, full_range: bool) -> tuple[bytes, float]:
    """Some points of the luma of a picture, and their mean as a brightness of 0 to 255 in either range."""
    with memoryview(buffer) as view:
        luma = np.frombuffer(view, np.uint8, buffer.width * buffer.height)
        rows = np.linspace(0, buffer.height - 1, min(HEIGHT, buffer.height)).astype(np.intp)
        columns = np.linspace(0, buffer.width - 1, min(WIDTH, buffer.width)).astype(np.intp)
        points = luma.reshape(buffer.height, buffer.width)[np.ix_(rows, columns)]
        # What shows the buffer must be gone before it can be filled again.
        del luma
    brightness = float(points.mean())
    if not full_range:
        brightness = min(255.0, max(0.0, (brightness - _BLACK) * 255 / (_WHITE - _BLACK)))
    return points.tobytes(), brightness
