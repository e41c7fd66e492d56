"""From the clock of a source to the engine's clock."""

from __future__ import annotations

from typing import Final

__all__ = ["SourceClock"]

_WINDOW_NS: Final = 5_000_000_000
"""The smallest delay of this much time, or of the time before it, is the delay of the source."""

_SLEW: Final = 1 / 2000
"""How fast the mapping may drift: 0.5 ms a second. Quartz clocks differ by a tenth of that at most."""

_STEP_NS: Final = 2_000_000_000
"""A difference that no drift explains: the source began to count anew."""


class SourceClock:
    """Maps a source's times in ns to the engine's clock by when its pictures arrive.

    Arrival is late by what the system makes of it, never early, so the smallest delay seen lately is
    taken for the true one. The mapping is slewed, never stepped, unless the source starts to count anew.

    ``offset_ns`` is given where the source's clock is known, as on Linux, whose cameras stamp their
    pictures with ``CLOCK_MONOTONIC``: then the delay between capture and arrival is known as well.
    """

    def __init__(self, offset_ns: int | None = None) -> None:
        self._known = offset_ns
        self._offset: int | None = None
        self._last_ns = 0
        self._window_started = 0
        self._smallest = 0
        self._smallest_before = 0

    def captured_ns(self, source_ns: int, arrived_ns: int) -> int:
        """When a picture was captured, by the engine's clock; never after it arrived."""
        if self._known is not None:
            captured = source_ns + self._known
            if 0 <= arrived_ns - captured < _STEP_NS:
                return captured
        return min(arrived_ns, source_ns + self._learn(arrived_ns - source_ns, arrived_ns))

    def _learn(self, delay: int, arrived_ns: int) -> int:
        if self._offset is None or abs(delay - self._offset) > _STEP_NS:
            self._offset = self._smallest = self._smallest_before = delay
            self._window_started = self._last_ns = arrived_ns
            return delay
        if arrived_ns - self._window_started > _WINDOW_NS:
            self._smallest_before, self._smallest = self._smallest, delay
            self._window_started = arrived_ns
        self._smallest = min(self._smallest, delay)
        wanted = min(self._smallest, self._smallest_before)
        most = int((arrived_ns - self._last_ns) * _SLEW)
        self._offset += max(-most, min(most, wanted - self._offset))
        self._last_ns = arrived_ns
        return self._offset
