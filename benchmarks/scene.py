"""Pictures like those of a webcam: a textured scene that moves a little, with the noise of a sensor."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["scene"]

FALL = 1.4
"""Amplitude of natural pictures falls with about this power of the spatial frequency; 1 is sharper."""

LUMA, CHROMA, NOISE = 40.0, 12.0, 2.0
"""Standard deviations of texture and noise."""

SWAY = (30, 10)
"""Pixels that the scene moves to each side and up and down, in some seconds."""

NOISES = 4
"""Pictures of noise that are made; they take turns."""


def scene(width: int, height: int, pictures: int) -> Iterator[NDArray[np.uint8]]:
    """Planar 4:2:0 in full range, each as ``height * 3 // 2`` rows; the same each time."""
    chance = np.random.default_rng(1)
    margin = 2 * max(SWAY)
    planes = [
        _texture(chance, height + margin, width + margin) * LUMA + 128,
        *(_texture(chance, (height + margin) // 2, (width + margin) // 2) * CHROMA + 128 for _ in range(2)),
    ]
    noise = [chance.normal(0, NOISE, (height, width)) for _ in range(NOISES)]
    for number in range(pictures):
        left = int(SWAY[0] * (1 + math.sin(number / 12))) & ~1
        top = int(SWAY[1] * (1 + math.sin(number / 9))) & ~1
        luma = planes[0][top : top + height, left : left + width] + noise[number % NOISES]
        rows, columns = (
            slice(start // 2, (start + size) // 2) for start, size in ((top, height), (left, width))
        )
        parts = [luma, *(plane[rows, columns] for plane in planes[1:])]
        picture = np.concatenate([np.clip(part, 0, 255).astype(np.uint8).ravel() for part in parts])
        yield picture.reshape(-1, width)


def _texture(chance: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    """Random texture of mean 0 and standard deviation 1 whose spectrum is that of natural pictures."""
    distance = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    distance[0, 0] = 1
    spectrum = (chance.normal(size=distance.shape) + 1j * chance.normal(size=distance.shape)) / distance**FALL
    spectrum[0, 0] = 0
    texture: NDArray[np.float64] = np.fft.irfft2(spectrum, (rows, columns))
    texture /= texture.std()
    return texture
