"""Media time from capture times: rising for pictures, counted in samples for sound."""

from __future__ import annotations

from typing import Final

__all__ = ["PictureTime", "SampleTime"]

SECOND: Final = 1_000_000_000
MOST_SLEW: Final = 1 / 1000
"""Share by which sound may be stretched or squeezed to follow the capture clock: not heard, and ten times
what quartz clocks differ."""

GAP_NS: Final = 250_000_000
"""Samples are missing when sound is later than this; no drift gets so far."""


class PictureTime:
    """Ticks of 1/90000 s, counted from the zero of the engine's clock, strictly rising."""

    def __init__(self) -> None:
        self._last = -1

    def ticks(self, captured_ns: int) -> int:
        """The media time of a picture."""
        self._last = max(self._last + 1, captured_ns * 90_000 // SECOND)
        return self._last


class SampleTime:
    """When samples were heard, counted by their number and slewed to their capture times.

    Blocks are announced with :meth:`heard`; then :meth:`at` gives the time of any sample near the last block.
    A gap in the sound, and only that, steps the time forward.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._anchor_sample = 0
        self._anchor_ns: int | None = None

    def heard(self, first_sample: int, captured_ns: int) -> None:
        """A block that begins with sample ``first_sample`` was captured at ``captured_ns``."""
        if self._anchor_ns is None:
            self._anchor_sample, self._anchor_ns = first_sample, captured_ns
            return
        expected = self.at(first_sample)
        late = captured_ns - expected
        if abs(late) <= GAP_NS:
            most = int((expected - self._anchor_ns) * MOST_SLEW)
            # A sixteenth of the difference at a time keeps the jitter of arrival out of the media time.
            late = max(-most, min(most, late // 16 if late >= 0 else -(-late // 16)))
        elif late < 0:
            late = 0
        self._anchor_sample, self._anchor_ns = first_sample, expected + late

    def at(self, sample: int) -> int:
        """The time at which a sample was heard, in ns of the engine's clock."""
        if self._anchor_ns is None:
            raise ValueError("no samples were heard yet")
        return self._anchor_ns + (sample - self._anchor_sample) * SECOND // self._rate
