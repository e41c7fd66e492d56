"""Passes on what happens in a relay, from any thread, to whoever listens."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVarTuple
from weakref import WeakSet

from relaycore.events import Event, EventReader

__all__ = ["EventExchange"]

_What = TypeVarTuple("_What")


class EventExchange:
    """Gives each event to the readers that there are, and to the parts of the relay that listen.

    What happens before :meth:`open` is told to nobody. :meth:`emit` and :meth:`pass_on` may be called from
    any thread, all else from the loop.
    """

    def __init__(self) -> None:
        self._readers: WeakSet[EventReader] = WeakSet()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self.listeners: list[Callable[[Event], None]] = []
        """The parts that are called with each event, in this order, in the loop."""

    def open(self) -> None:
        """Tells of what happens from now on, in the loop that runs."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def close(self) -> None:
        """Tells nothing more, and ends all readers."""
        self._loop = None
        self.listeners.clear()
        for reader in list(self._readers):
            reader.close()

    def reader(self) -> EventReader:
        """What happens from now on."""
        reader = EventReader()
        self._readers.add(reader)
        return reader

    def emit(self, event: Event) -> None:
        """Gives an event to whoever listens."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            self._push(event)
        else:
            self.pass_on(self._push, event)

    def pass_on(self, take: Callable[[*_What], object], *what: *_What) -> None:
        """Has this called in the loop, if there is one still."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(take, *what)

    def _push(self, event: Event) -> None:
        for reader in list(self._readers):
            reader.push(event)
        for listener in list(self.listeners):
            listener(event)
