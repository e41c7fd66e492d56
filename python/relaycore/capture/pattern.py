"""The test pattern: colour bars, a clock, a frame counter and a moving block, with a flash once a second.

The picture is full or limited range BT.601. From the top: the strip that programs read (see
:mod:`relaycore.capture.strip`), the bars of :data:`BARS`, and a lower part in which a block moves, the clock
(UTC) and the frame counter are written, and a square flashes white for the first 100 ms of each second. The
tone that belongs to it (:mod:`relaycore.capture.tone`) sounds in the same 100 ms.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from relaycore.capture.strip import read_strip, strip_row, strip_rows
from relaycore.capture.text import glyphs

__all__ = ["BARS", "FLASH_NS", "PatternPainter", "read_strip", "ycbcr"]

BARS: Final[tuple[tuple[int, int, int], ...]] = (
    (255, 255, 255),
    (255, 255, 0),
    (0, 255, 255),
    (0, 255, 0),
    (255, 0, 255),
    (255, 0, 0),
    (0, 0, 255),
    (0, 0, 0),
)
"""Red, green and blue of the bars, from left to right; each takes an eighth of the width."""

FLASH_NS: Final = 100_000_000
"""How long the flash and the tone last from the start of each second, in ns."""

SMALLEST: Final = (160, 90)
"""Width and height in pixels below which the pattern cannot be read."""


def ycbcr(rgb: tuple[int, int, int], *, full_range: bool) -> tuple[int, int, int]:
    """Y, Cb and Cr of a colour by BT.601."""
    red, green, blue = (channel / 255 for channel in rgb)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    blueness, redness = (blue - luma) / 1.772, (red - luma) / 1.402
    if full_range:
        return round(luma * 255), min(255, round(128 + blueness * 255)), min(255, round(128 + redness * 255))
    return round(16 + luma * 219), round(128 + blueness * 224), round(128 + redness * 224)


class PatternPainter:
    """Paints pictures of one size. Most of a picture is a prepared background that is copied."""

    def __init__(self, width: int, height: int, *, full_range: bool = True) -> None:
        if width < SMALLEST[0] or height < SMALLEST[1] or width % 2 or height % 2:
            raise ValueError(f"a pattern of {width}x{height} pixels: even sizes from 160x90 only")
        self.width, self.height = width, height
        self.black = 0 if full_range else 16
        self.white = 255 if full_range else 235
        self._rows = strip_rows(height)
        self._bars_end = height * 5 // 8 & ~1
        self._background = self._paint_background(full_range)
        self._glyphs = glyphs("0123456789:.-", max(10, height // 10), self.black, self.white)
        self._cell_width = self._glyphs["0"].shape[1]
        self._block = max(8, height // 12) & ~1

    def paint(self, target: NDArray[np.uint8], counter: int, wallclock_ns: int) -> None:
        """Paints a picture as planar 4:2:0 into ``width * height * 3 // 2`` bytes."""
        target[:] = self._background
        luma = target[: self.width * self.height].reshape(self.height, self.width)
        luma[: self._rows] = strip_row(counter, wallclock_ns // 1_000_000, self.width, self.black, self.white)
        self._move_block(luma, counter)
        seconds, rest = divmod(wallclock_ns, 1_000_000_000)
        clock = time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03}"
        top = self._bars_end + self._block + 2
        self._write(luma, clock, top)
        line = self._glyphs["0"].shape[0]
        if top + 2 * line <= self.height:
            self._write(luma, f"{counter:06}", top + line)
        if rest < FLASH_NS:
            side = self.height - top
            luma[top:, self.width - side :] = self.white

    def _move_block(self, luma: NDArray[np.uint8], counter: int) -> None:
        """A white block that goes to and fro under the bars, four pixels a picture."""
        way = self.width - self._block
        place = counter * 4 % (2 * way)
        left = place if place <= way else 2 * way - place
        luma[self._bars_end : self._bars_end + self._block, left : left + self._block] = self.white

    def _write(self, luma: NDArray[np.uint8], text: str, top: int) -> None:
        left = self._cell_width // 2
        for character in text:
            cell = self._glyphs[character]
            bottom, right = min(self.height, top + cell.shape[0]), min(self.width, left + self._cell_width)
            if right <= left:
                return
            luma[top:bottom, left:right] = cell[: bottom - top, : right - left]
            left = right

    def _paint_background(self, full_range: bool) -> NDArray[np.uint8]:
        luma = np.full((self.height, self.width), self.black, np.uint8)
        chroma = np.full((2, self.height // 2, self.width // 2), 128, np.uint8)
        for number, colour in enumerate(BARS):
            left, right = (self.width * edge // len(BARS) & ~1 for edge in (number, number + 1))
            level, blueness, redness = ycbcr(colour, full_range=full_range)
            luma[self._rows : self._bars_end, left:right] = level
            rows, columns = slice(self._rows // 2, self._bars_end // 2), slice(left // 2, right // 2)
            chroma[0, rows, columns] = blueness
            chroma[1, rows, columns] = redness
        return np.concatenate([luma.ravel(), chroma.ravel()])
