"""From the clock of a source to the engine's clock."""

from __future__ import annotations

from relaycore.smallest_delay import STEP_NS, SmallestDelay

__all__ = ["SourceClock"]


class SourceClock:
    """Maps a source's times in ns to the engine's clock by when its pictures arrive.

    Arrival is late by what the system makes of it, so the smallest delay seen lately is taken for the true
    one.

    ``offset_ns`` is given where the source's clock is known, as on Linux, whose cameras stamp their
    pictures with ``CLOCK_MONOTONIC``: then the delay between capture and arrival is known as well.
    """

    def __init__(self, offset_ns: int | None = None) -> None:
        self._known = offset_ns
        self._delay = SmallestDelay()

    def captured_ns(self, source_ns: int, arrived_ns: int) -> int:
        """When a picture was captured, by the engine's clock; never after it arrived."""
        if self._known is not None:
            captured = source_ns + self._known
            if 0 <= arrived_ns - captured < STEP_NS:
                return captured
        return min(arrived_ns, source_ns + self._delay.follow(arrived_ns - source_ns, arrived_ns))
