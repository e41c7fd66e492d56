"""When what comes from a medium was captured, by the engine's clock."""

from __future__ import annotations

from typing import Final

__all__ = ["LiveClock"]

SECOND: Final = 1_000_000_000

_WINDOW_NS: Final = 5 * SECOND
"""The smallest delay of this much time, or of the time before it, is the delay of the source."""

_SLEW: Final = 1 / 2000
"""How fast the mapping may drift: 0.5 ms a second. Quartz clocks differ by a tenth of that at most."""

_STEP_NS: Final = 2 * SECOND
"""A difference that no drift explains: the source began to count anew."""


class LiveClock:
    """Maps the times of a live source in ns to the engine's clock, for all of its tracks alike.

    ``delay_ns`` is the smallest one that was seen of the first packets: a server that sends its newest group
    of pictures at once is then not taken for one whose clock runs at a hundred times the speed. Other than
    that of a camera, the time of a packet may be later than its arrival: distances between packets are
    worth more to a reader than that.
    """

    def __init__(self, delay_ns: int, at_ns: int) -> None:
        self._offset = self._smallest = self._smallest_before = delay_ns
        self._window_started = self._last = at_ns

    def captured_ns(self, source_ns: int, arrived_ns: int) -> int:
        """The engine's time for a time of the source whose packet arrived just now."""
        delay = arrived_ns - source_ns
        if abs(delay - self._offset) > _STEP_NS:
            self._offset = self._smallest = self._smallest_before = delay
            self._window_started = self._last = arrived_ns
            return arrived_ns
        if arrived_ns - self._window_started > _WINDOW_NS:
            self._smallest_before, self._smallest = self._smallest, delay
            self._window_started = arrived_ns
        self._smallest = min(self._smallest, delay)
        wanted = min(self._smallest, self._smallest_before)
        most = int((arrived_ns - self._last) * _SLEW)
        self._offset += max(-most, min(most, wanted - self._offset))
        self._last = arrived_ns
        return source_ns + self._offset
