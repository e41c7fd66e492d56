"""Text as luma, drawn with the font that comes with Pillow."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

__all__ = ["draw_text", "glyphs"]


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def draw_text(text: str, size: int) -> NDArray[np.uint8]:
    """Coverage, from 0 for paper to 255 for ink, of a line of text ``size`` pixels high."""
    font = _font(size)
    left, _, right, _ = font.getbbox(text)
    image = Image.new("L", (max(1, int(right - left)), size + size // 4))
    ImageDraw.Draw(image).text((-left, 0), text, fill=255, font=font)
    return np.array(image)


def glyphs(characters: str, size: int, black: int, white: int) -> dict[str, NDArray[np.uint8]]:
    """Luma of single characters in cells of one even width, to be put side by side."""
    drawn = {character: draw_text(character, size) for character in characters}
    width = max(picture.shape[1] for picture in drawn.values()) + max(2, size // 8) & ~1
    cells: dict[str, NDArray[np.uint8]] = {}
    for character, picture in drawn.items():
        cell = np.zeros((picture.shape[0], width), np.uint16)
        start = (width - picture.shape[1]) // 2
        cell[:, start : start + picture.shape[1]] = picture
        cells[character] = (black + cell * (white - black) // 255).astype(np.uint8)
    return cells
