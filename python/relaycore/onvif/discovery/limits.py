"""How much is answered: no more than a person who looks for cameras needs.

A probe of 600 bytes may have answers of 1500 bytes from each of hundreds of devices, and its sender can be
made up: whoever answers without measure is of use for attacks on others.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

__all__ = ["Allowance", "Allowances"]

SOURCES: Final = 1024
"""Most senders that are remembered; who was silent for the longest time is forgotten first."""


class Allowance:
    """Lets ``burst`` things happen at once, and ``rate`` a second in the long run."""

    __slots__ = ("_burst", "_left", "_rate", "_seen")

    def __init__(self, burst: float, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._seen = burst, 0.0

    def take(self, now: float, count: int = 1) -> bool:
        """Whether so many may happen at ``now``, in seconds of any steady clock."""
        self._left = min(self._burst, self._left + (now - self._seen) * self._rate)
        self._seen = now
        if self._left < count:
            return False
        self._left -= count
        return True


class Allowances:
    """One allowance for each sender, for a bounded number of senders."""

    def __init__(self, burst: float, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._known: OrderedDict[str, Allowance] = OrderedDict()

    def take(self, source: str, now: float) -> bool:
        """As :meth:`Allowance.take`, for this sender."""
        known = self._known.pop(source, None) or Allowance(self._burst, self._rate)
        self._known[source] = known
        if len(self._known) > SOURCES:
            self._known.popitem(last=False)
        return known.take(now)
