"""The delay of a source, which says by its own clock when something was captured."""

from __future__ import annotations

from typing import Final

__all__ = ["STEP_NS", "SmallestDelay"]

STEP_NS: Final = 2_000_000_000
"""A difference that no drift explains: the source began to count anew."""

_WINDOW_NS: Final = 5_000_000_000
"""The smallest delay of this much time, or of the time before it, is the delay of the source."""

_SLEW: Final = 1 / 2000
"""How fast it may drift: 0.5 ms a second. Quartz clocks differ by a tenth of that at most."""


class SmallestDelay:
    """Follows the smallest delay seen lately, in ns: arrival is late by what lies between, never early.

    It is slewed, never stepped, unless the source starts to count anew. The first one is taken as it is, or
    from ``delay_ns``, which was known at ``at_ns``.
    """

    def __init__(self, delay_ns: int | None = None, at_ns: int = 0) -> None:
        self._delay = delay_ns
        self._smallest = self._smallest_before = delay_ns or 0
        self._window_started = self._last_ns = at_ns

    def follow(self, delay: int, at_ns: int) -> int:
        """Takes in a delay that was seen now, and gives that of the source."""
        if self._delay is None or abs(delay - self._delay) > STEP_NS:
            self._delay = self._smallest = self._smallest_before = delay
            self._window_started = self._last_ns = at_ns
            return delay
        if at_ns - self._window_started > _WINDOW_NS:
            self._smallest_before, self._smallest = self._smallest, delay
            self._window_started = at_ns
        self._smallest = min(self._smallest, delay)
        wanted = min(self._smallest, self._smallest_before)
        most = int((at_ns - self._last_ns) * _SLEW)
        self._delay += max(-most, min(most, wanted - self._delay))
        self._last_ns = at_ns
        return self._delay
