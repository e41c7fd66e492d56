"""Rates over the last seconds."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

__all__ = ["Meter"]

_SPAN_NS: Final = 2_000_000_000


class Meter:
    """Counts access units and their bytes; may be read from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: deque[tuple[int, int]] = deque()

    def add(self, at_ns: int, size: int) -> None:
        """Counts an access unit of ``size`` bytes."""
        with self._lock:
            self._recent.append((at_ns, size))
            self._forget(at_ns)

    def rates(self, at_ns: int) -> tuple[float, float]:
        """Access units and bits per second over the last two seconds, or over the time since the start."""
        with self._lock:
            self._forget(at_ns)
            if len(self._recent) < 2:
                return 0.0, 0.0
            span = (self._recent[-1][0] - self._recent[0][0]) / 1e9
            if span <= 0:
                return 0.0, 0.0
            sizes = sum(size for _, size in self._recent) - self._recent[0][1]
            return (len(self._recent) - 1) / span, sizes * 8 / span

    def _forget(self, at_ns: int) -> None:
        while self._recent and at_ns - self._recent[0][0] > _SPAN_NS:
            self._recent.popleft()
