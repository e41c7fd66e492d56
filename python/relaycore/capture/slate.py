"""The picture that is sent while a camera gives none: a grey ground and a sentence that says so."""

from __future__ import annotations

import io
import textwrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from relaycore.capture.text import draw_text

__all__ = ["jpeg_of", "paint_slate"]

GROUND = 48
INK = 220


def paint_slate(width: int, height: int, text: str) -> NDArray[np.uint8]:
    """A picture as planar 4:2:0, ``width * height * 3 // 2`` bytes, with a text in its middle.

    Its levels are in the limited range, and so are seen in either range. Both sides are even.
    """
    luma = np.full((height, width), GROUND, np.uint8)
    size = max(12, height // 14)
    lines = textwrap.wrap(text, max(8, int(width * 1.7) // size))
    drawn = [draw_text(line, size)[:, : width - 2] for line in lines]
    top = max(0, (height - sum(line.shape[0] for line in drawn)) // 2)
    for line in drawn:
        rows = min(line.shape[0], height - top)
        left = (width - line.shape[1]) // 2
        coverage = line[:rows].astype(np.uint16)
        luma[top : top + rows, left : left + line.shape[1]] = GROUND + coverage * (INK - GROUND) // 255
        top += rows
    return np.concatenate([luma.ravel(), np.full(width * height // 2, 128, np.uint8)])


def jpeg_of(picture: NDArray[np.uint8], width: int, height: int) -> bytes:
    """The luma of such a picture as a JPEG of 4:2:0, which is what RTP can carry (RFC 2435)."""
    luma = Image.fromarray(picture[: width * height].reshape(height, width))
    file = io.BytesIO()
    luma.convert("RGB").save(file, "JPEG", quality=80, subsampling="4:2:0")
    return file.getvalue()
