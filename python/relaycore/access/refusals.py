"""Tells the log why somebody was refused, which they themselves are not told.

A stranger must not be able to fill the log: of each network, one line in a while is written for each reason,
and the next one says how many were left out.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from relaycore.access.attempts import network_of

__all__ = ["RefusalLog"]

_log = logging.getLogger(__name__)

PAUSE_S = 10.0
"""Seconds from one line to the next about the same network and reason."""

REMEMBERED = 1024
"""Networks and reasons of which it is known when they were last told."""


class RefusalLog:
    """Writes of refusals. ``clock`` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When the last line was written, and how many were not since.
        self._told: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def note(self, reason: str, client: str, fields: Mapping[str, object]) -> None:
        """Somebody at an address was refused for this reason; ``fields`` say who, where and what."""
        key = (network_of(client), reason)
        now = self._clock()
        at, more = self._told.get(key, (now - PAUSE_S, 0))
        if now - at < PAUSE_S:
            self._told[key] = (at, more + 1)
            return
        self._told[key] = (now, 0)
        self._told.move_to_end(key)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        count = f" ({more} more since)" if more else ""
        _log.warning("refused: %s%s", reason, count, extra=dict(fields))
