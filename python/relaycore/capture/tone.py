"""The sound of the test pattern: a 1 kHz tone in the first 100 ms of each second of the wallclock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from relaycore.capture.pattern import FLASH_NS

__all__ = ["LEVEL", "TONE_HZ", "tone"]

TONE_HZ = 1000
"""A whole number of periods fits a second, so that pips start and end at zero."""

LEVEL = 0.25
"""Peak of the tone; 1 is full scale."""


def tone(first_sample: int, samples: int, rate: int) -> NDArray[np.float32]:
    """Mono samples from -1 to 1. ``first_sample`` is counted from the start of any whole second."""
    place = (np.arange(first_sample, first_sample + samples) % rate).astype(np.float64)
    sound = LEVEL * np.sin(2 * np.pi * TONE_HZ / rate * place)
    sound[place >= rate * FLASH_NS // 1_000_000_000] = 0
    return sound.astype(np.float32)
