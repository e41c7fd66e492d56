"""When what comes from a medium was captured, by the engine's clock."""

from __future__ import annotations

from relaycore.smallest_delay import SmallestDelay

__all__ = ["LiveClock"]


class LiveClock:
    """Maps the times of a live source in ns to the engine's clock, for all of its tracks alike.

    ``delay_ns`` is the smallest one that was seen of the first packets: a server that sends its newest group
    of pictures at once is then not taken for one whose clock runs at a hundred times the speed. Other than
    that of a camera, the time of a packet may be later than its arrival: distances between packets are
    worth more to a reader than that.
    """

    def __init__(self, delay_ns: int, at_ns: int) -> None:
        self._delay = SmallestDelay(delay_ns, at_ns)

    def captured_ns(self, source_ns: int, arrived_ns: int) -> int:
        """The engine's time for a time of the source whose packet arrived just now."""
        return source_ns + self._delay.follow(arrived_ns - source_ns, arrived_ns)
