"""One subscription: what waits for whoever subscribed, and until when."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from relaycore.onvif.services.events.errors import NotSubscribed
from relaycore.onvif.services.events.filters import Filter
from relaycore.onvif.services.events.messages import Message

__all__ = ["LONGEST_PULL_S", "MOST_PULLED", "Subscription"]

QUEUE: Final = 256
"""Messages that wait for one subscriber; the oldest is discarded when there are more."""

LONGEST_PULL_S: Final = 60.0
"""Seconds that a question for messages may wait."""

MOST_PULLED: Final = 100
"""Messages of one answer."""

AFTER_PULL_S: Final = 60.0
"""Seconds that a subscription is kept at least after a question for messages was answered: many never ask
for more time."""


class Subscription:
    """What one subscriber is told of. All methods are called from the loop.

    ``covers`` says whether the subscriber may be told of a camera, at this moment, and without a path,
    whether of alerts.
    """

    def __init__(
        self, name: str, user: str | None, wanted: Filter, covers: Callable[[str], bool], seconds: float
    ) -> None:
        self.name = name
        self.user = user
        self.ended = False
        self.discarded = 0
        self._wanted = wanted
        self._covers = covers
        self._messages: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._until = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """How long it lasts unless it is renewed."""
        return max(0.0, self._until - time.monotonic())

    def renew(self, seconds: float) -> None:
        """Lasts for so many seconds from now."""
        self._until = time.monotonic() + seconds

    def put(self, message: Message) -> None:
        """Adds a message, if it is wanted."""
        if self.ended or not self._covers(message.path) or not self._wanted.wants(message):
            return
        if len(self._messages) >= QUEUE:
            self._messages.popleft()
            self.discarded += 1
        self._messages.append(message)
        self._changed.set()

    def end(self) -> None:
        """There will be no more; whoever waits is told."""
        self.ended = True
        self._messages.clear()
        self._changed.set()

    async def pull(self, seconds: float, limit: int) -> list[Message]:
        """The messages that wait, at most so many; where there are none, those that come in this time.

        NotSubscribed where it ends meanwhile.
        """
        seconds, limit = min(max(0.0, seconds), LONGEST_PULL_S), min(max(1, limit), MOST_PULLED)
        self._keep(seconds + AFTER_PULL_S)
        try:
            async with asyncio.timeout(seconds):
                messages = await self.take(limit)
        except TimeoutError:
            messages = []
        self._keep(AFTER_PULL_S)
        return messages

    async def take(self, limit: int) -> list[Message]:
        """The messages that wait, at most so many, as soon as there are any. NotSubscribed where it ends."""
        while not self._messages and not self.ended:
            self._changed.clear()
            await self._changed.wait()
        if self.ended:
            raise NotSubscribed("The subscription has ended.")
        return [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]

    def _keep(self, seconds: float) -> None:
        self._until = max(self._until, time.monotonic() + seconds)
