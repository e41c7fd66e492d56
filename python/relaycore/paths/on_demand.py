"""Notices that nobody uses something any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["OnDemand"]

LOOK_S: Final = 0.25
"""Seconds between two looks."""

ARRIVAL_S: Final = 10.0
"""Seconds from a reader's question until it plays: nothing ends meanwhile."""


class OnDemand:
    """Calls ``close`` when there were no users for ``close_after`` seconds.

    ``users`` counts those of now. Who was let in and does not play yet is announced with :meth:`expect`.
    """

    def __init__(self, users: Callable[[], int], close_after: float, close: Callable[[], object]) -> None:
        self._users = users
        self._close_after = close_after
        self._close = close
        self._loop = asyncio.get_running_loop()
        self._expected_until = self._loop.time() + ARRIVAL_S
        self._task = self._loop.create_task(self._watch())

    def expect(self) -> None:
        """A reader was let in, and will play soon."""
        self._expected_until = self._loop.time() + ARRIVAL_S

    def cancel(self) -> None:
        """Looks no more."""
        self._task.cancel()

    async def _watch(self) -> None:
        before = 0
        used_at = self._loop.time()
        while True:
            await asyncio.sleep(LOOK_S)
            users, now = self._users(), self._loop.time()
            if users > before:
                self._expected_until = now
            if users > 0:
                used_at = now
            if now >= self._expected_until and now - used_at >= self._close_after:
                break
            before = users
        self._close()
