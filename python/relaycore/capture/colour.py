"""What the numbers of a picture mean, so that it can be written into the stream (H.264 Annex E.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import av

__all__ = ["BT601", "BT709", "JPEG", "Colour", "colour_of"]

_FULL: Final = 2
"""FFmpeg's number for full range in ``color_range``."""

_UNSPECIFIED: Final = (0, 2)
"""Code points of ITU-T H.273 that say nothing: reserved, and unspecified."""

_HD_LINES: Final = 720
"""Pictures from this height on that say nothing are taken for BT.709, as players do."""


@dataclass(frozen=True, slots=True)
class Colour:
    """Range of luma and the code points of ITU-T H.273 for primaries, transfer and matrix."""

    full_range: bool
    primaries: int
    transfer: int
    matrix: int

    def with_range(self, *, full: bool) -> Colour:
        """The same colours in full or limited range."""
        return replace(self, full_range=full)


BT709: Final = Colour(full_range=False, primaries=1, transfer=1, matrix=1)
"""Television in high definition."""

BT601: Final = Colour(full_range=False, primaries=1, transfer=1, matrix=6)
"""What webcams make of their raw pictures: the matrix of BT.601, the primaries of a PC screen."""

JPEG: Final = BT601.with_range(full=True)
"""JFIF: the matrix of BT.601 in full range."""


def colour_of(frame: av.VideoFrame) -> Colour:
    """What a decoded frame says of its colours; what it leaves open is guessed from format and height."""
    full = frame.format.name.startswith("yuvj") or frame.color_range == _FULL
    if frame.colorspace in _UNSPECIFIED:
        guess = BT709 if frame.height >= _HD_LINES else BT601
        return guess.with_range(full=full)
    primaries = 1 if frame.color_primaries in _UNSPECIFIED else frame.color_primaries
    transfer = 1 if frame.color_trc in _UNSPECIFIED else frame.color_trc
    return Colour(full_range=full, primaries=primaries, transfer=transfer, matrix=frame.colorspace)
