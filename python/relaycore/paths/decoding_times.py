"""Decoding times for access units of which only the times of showing are known."""

from __future__ import annotations

import heapq

__all__ = ["DecodingTimes", "ReorderedMore"]


class ReorderedMore(Exception):
    """Pictures are reordered over more places than was assumed; ``depth`` would do for this one.

    The muxer has to be opened again with that: what it has written cannot be moved.
    """

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.depth = depth


class DecodingTimes:
    """Rising times of decoding that are never later than those of showing.

    RTP carries only the latter, and containers want both. With pictures that are reordered over ``depth``
    places, the n-th picture is decoded when the one that is shown ``depth`` places earlier is shown; without
    B-frames ``depth`` is 0 and both are the same. Times are in ticks.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._waiting: list[int] = []
        self._last: int | None = None
        self._first = 0
        self._count = 0

    def of(self, pts: int) -> int:
        """The decoding time of the next access unit, by its time of showing; ReorderedMore, see there."""
        if self._count == 0:
            self._first = pts
        self._count += 1
        heapq.heappush(self._waiting, pts)
        if self._count <= self._depth:
            # None is known yet: before the first, in steps that no frame rate is as fast as.
            dts = self._first - (self._depth - self._count + 1)
        else:
            dts = heapq.heappop(self._waiting)
        if self._last is not None and dts <= self._last:
            dts = self._last + 1
        if dts > pts:
            raise ReorderedMore(self._depth + 1)
        self._last = dts
        return dts
