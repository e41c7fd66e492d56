"""Draws the privacy masks of a camera over its pictures, before anything else of relaycore sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relaycore._relaycore import FrameBuffer, Mask
from relaycore.capture.colour import Colour
from relaycore.pipeline.mask_shapes import blocks_of, spans_of, widened
from relaycore.settings import MaskSettings
from relaycore.settings.masks import check_masks

__all__ = ["Masking"]

SQUARES: Final = 24
"""Squares over the shorter side of the picture where a mask pixelates or blurs: a face in a room is then one
square or two."""

LEAST_SIDE: Final = 4
"""Blocks a side of the least square."""

_MATRICES: Final = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}
"""What red and blue weigh in luma, by the code point of ITU-T H.273; all others as in BT.601."""


class Masking:
    """The masks of a camera whose pictures have one size.

    ``draw`` is called by the capture thread, ``replace`` from any. Each set of masks has a number, the
    ``revision``: a picture that has another one was drawn before the masks changed.
    """

    def __init__(self, masks: Sequence[MaskSettings], width: int, height: int, colour: Colour) -> None:
        self._width, self._height, self._colour = width, height, colour
        self._current = (0, self._painter(masks))

    @property
    def revision(self) -> int:
        """The number of the masks that hold now."""
        return self._current[0]

    @property
    def hides(self) -> bool:
        """Whether there are masks now."""
        return self._current[1].is_any

    def replace(self, masks: Sequence[MaskSettings]) -> None:
        """Takes other masks from the next picture on. ConfigurationError when they are not right."""
        painter = self._painter(masks)
        self._current = (self._current[0] + 1, painter)

    def draw(self, buffer: FrameBuffer, spread: int) -> int:
        """Paints over a picture, and gives the revision of what was painted.

        ``spread`` is how many pixels what the source has at one place may have been carried from it when the
        picture was converted: masks are so much wider. Whatever it raises, the picture must not be used.
        """
        revision, painter = self._current
        painter.draw(buffer, spread)
        return revision

    def _painter(self, masks: Sequence[MaskSettings]) -> _Painter:
        check_masks(list(masks))
        painter = _Painter(masks, self._width, self._height, self._colour)
        painter.prepare(0)
        return painter


class _Painter:
    """One set of masks, as they are painted; made for each spread that comes."""

    def __init__(self, masks: Sequence[MaskSettings], width: int, height: int, colour: Colour) -> None:
        self._settings, self._size, self._colour = list(masks), (width, height), colour
        self._spread = -1
        self._masks: list[Mask] = []

    @property
    def is_any(self) -> bool:
        """Whether there is something to paint."""
        return bool(self._settings)

    def draw(self, buffer: FrameBuffer, spread: int) -> None:
        if spread != self._spread:
            self.prepare(spread)
        for mask in self._masks:
            buffer.draw(mask)

    def prepare(self, spread: int) -> None:
        """Gets ready for pictures of this spread."""
        self._masks = [self._mask(settings, spread) for settings in self._settings]
        self._spread = spread

    def _mask(self, settings: MaskSettings, spread: int) -> Mask:
        width, height = self._size
        blocks = blocks_of(settings.corners, width, height)
        spans = spans_of(widened(blocks, spread) if spread > 0 else blocks)
        side = max(LEAST_SIDE, min(width, height) // (2 * SQUARES))
        match settings.fill:
            case "pixelate":
                return Mask.of_squares(width, height, spans, side)
            case "blur":
                return Mask.of_blur(width, height, spans, side)
            case fill:
                return Mask.of_colour(width, height, spans, _levels(fill, self._colour))


def _levels(fill: str, colour: Colour) -> tuple[int, int, int]:
    """Luma and the differences of blue and red of a colour (ITU-T H.273 section 8.3)."""
    red, green, blue = bytes.fromhex("000000" if fill == "black" else fill.removeprefix("#"))
    of_red, of_blue = _MATRICES.get(colour.matrix, (0.299, 0.114))
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    blueness, redness = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    if colour.full_range:
        levels = (luma, 128 + blueness, 128 + redness)
    else:
        levels = (16 + luma * 219 / 255, 128 + blueness * 224 / 255, 128 + redness * 224 / 255)
    clipped = [min(255, max(0, round(level))) for level in levels]
    return clipped[0], clipped[1], clipped[2]
