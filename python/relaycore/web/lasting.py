"""Sessions of viewers who ask again and again: each lasts until nothing is asked for some seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from relaycore.language import Message
from relaycore.web.answers import Refused
from relaycore.web.viewing import Visit

__all__ = ["IDLE_S", "Lasting"]

IDLE_S: Final = 10.0
"""Seconds without a question after which a viewer is taken for gone."""

REFUSED_S: Final = 30.0
"""Seconds in which a viewer whose session somebody ended is not let in again by going on as before."""


class _Entry:
    def __init__(self, task: asyncio.Task[Visit], now: float) -> None:
        self.task = task
        self.asked = now
        self.waiting = 0

    @property
    def visit(self) -> Visit | None:
        """The session, once it has begun."""
        done = self.task.done() and not self.task.cancelled() and self.task.exception() is None
        return self.task.result() if done else None


class Lasting:
    """Sessions by what their viewers are known by. All methods are called from the loop.

    With ``sticky``, who was ended has to begin anew by another key: it is refused with 410 for a while.
    """

    def __init__(self, *, sticky: bool) -> None:
        self._sticky = sticky
        self._entries: dict[Hashable, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    async def visit(self, key: Hashable, begin: Callable[[], Awaitable[Visit]]) -> Visit:
        """The session of a viewer, who asks now; begins one where there is none."""
        loop = asyncio.get_running_loop()
        entry = self._entries.get(key)
        if entry is not None and entry.visit is not None and entry.visit.ended.is_set():
            if self._sticky:
                raise Refused(410, Message("This session was ended: open the stream anew."))
            entry = None
        if entry is None:
            entry = self._entries[key] = _Entry(loop.create_task(_begun(begin)), loop.time())
            entry.task.add_done_callback(lambda task: self._on_begun(key, task))
        entry.asked = loop.time()
        # Whoever asks at the same time waits for the same session, also when the first one leaves.
        visit = await asyncio.shield(entry.task)
        entry.asked = loop.time()
        return visit

    @contextmanager
    def waiting(self, key: Hashable) -> Iterator[None]:
        """A viewer waits for an answer as long as this lasts, and so is there."""
        entry = self._entries.get(key)
        if entry is None:
            yield
            return
        entry.waiting += 1
        try:
            yield
        finally:
            entry.waiting -= 1
            entry.asked = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Ends all of them."""
        entries, self._entries = list(self._entries.values()), {}
        for entry in entries:
            entry.task.cancel()
            if entry.visit is not None:
                entry.visit.end("the relay is closing")
        await asyncio.gather(*(entry.task for entry in entries), return_exceptions=True)

    def _on_begun(self, key: Hashable, task: asyncio.Task[Visit]) -> None:
        entry = self._entries.get(key)
        if entry is None or entry.task is not task:
            return
        if task.cancelled() or task.exception() is not None:
            del self._entries[key]
        else:
            self._look_later(key, entry, IDLE_S)

    def _look_later(self, key: Hashable, entry: _Entry, delay: float) -> None:
        asyncio.get_running_loop().call_later(delay, self._look, key, entry)

    def _look(self, key: Hashable, entry: _Entry) -> None:
        visit = entry.visit
        if self._entries.get(key) is not entry or visit is None:
            return
        waits = REFUSED_S if visit.ended.is_set() and self._sticky else IDLE_S
        left = entry.asked + waits - asyncio.get_running_loop().time()
        if entry.waiting:
            left = max(left, waits)
        if left > 0:
            self._look_later(key, entry, left)
            return
        del self._entries[key]
        visit.end("the client asked for nothing any more")


async def _begun(begin: Callable[[], Awaitable[Visit]]) -> Visit:
    return await begin()
