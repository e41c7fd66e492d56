"""Is a recording what the test pattern shows? The pattern: relaycore.capture.pattern, strip and tone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relaycore.capture.pattern import BARS
from relaycore.capture.strip import read_strip
from relaycore.capture.tone import LEVEL, TONE_HZ
from tests.interop.control import Control
from tests.interop.recording import Pictures, Recording, Samples

__all__ = ["assert_colours", "assert_tone", "assert_uninterrupted", "counters", "sound_lag", "strip_of"]

COLOUR_TOLERANCE = 16
"""Steps of 255 by which a bar may be off after encoding and conversion; wrong range or matrix costs more."""


def strip_of(picture: Pictures) -> tuple[int, int]:
    """Frame counter, and wallclock in ms, that one RGB picture shows."""
    found = read_strip(picture @ np.array([0.299, 0.587, 0.114]))
    assert found is not None, "the strip of the picture cannot be read"
    return found


def counters(recording: Recording) -> list[int]:
    """The frame counters of all pictures."""
    return [strip_of(picture)[0] for picture in recording.pictures]


def assert_uninterrupted(recording: Recording, pictures: int, control: Control) -> None:
    """There are so many pictures, and none is missing between them that was sent."""
    seen = counters(recording)
    assert len(seen) == pictures
    assert seen == control.between(seen[0], seen[-1])


def assert_colours(picture: Pictures) -> None:
    """The bars have the colours that were painted."""
    height, width, _ = picture.shape
    rows = picture[height // 4 : height // 2]
    for number, colour in enumerate(BARS):
        # The middle half of a bar: chroma has half the resolution, and the encoder blurs edges.
        left, eighth = width * number // len(BARS), width // len(BARS)
        seen = rows[:, left + eighth // 4 : left + eighth * 3 // 4].mean(axis=(0, 1))
        assert np.abs(seen - colour).max() <= COLOUR_TOLERANCE, (
            f"bar {number} is {seen.round()}, not {colour}"
        )


def assert_tone(sound: Samples, rate: int) -> None:
    """There is sound, at the right level, and it is the tone and nothing else."""
    assert len(sound) > rate, "less than a second of sound"
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    loudest = frequencies[np.argmax(power)]
    assert abs(loudest - TONE_HZ) < 10, f"the loudest tone has {loudest} Hz"
    assert power[np.abs(frequencies - TONE_HZ) < 100].sum() > 0.9 * power.sum()
    assert abs(np.abs(sound).max() - LEVEL) < 0.1


def sound_lag(recording: Recording) -> float:
    """Seconds by which the sound comes later than the picture; negative when it is early.

    Each picture shows the wallclock at which it was made, and a pip begins with each second of that clock.
    """
    shown = np.array([strip_of(picture)[1] / 1000 for picture in recording.pictures])
    # What a player's clock is ahead of the wallclock: one number for all pictures, but for jitter. Some
    # players give the first picture no time.
    ahead = float(np.nanmedian(recording.picture_times - shown))
    starts = _pip_starts(recording.sound, recording.sound_rate)
    assert len(starts), "no pip begins in the sound"
    second = recording.sound_start + starts / recording.sound_rate - ahead
    lags = second - np.round(second)
    return float(lags[np.argmax(np.abs(lags))])


def _pip_starts(sound: Samples, rate: int) -> npt.NDArray[np.intp]:
    """The samples at which pips begin: loud, after 50 ms of silence."""
    loud = np.flatnonzero(np.abs(sound) > LEVEL / 4)
    pause = rate // 20
    before = np.concatenate(([-1], loud[:-1]))
    starts: npt.NDArray[np.intp] = loud[(loud - before > pause) & (loud > pause)]
    return starts
