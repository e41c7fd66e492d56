"""One listener of a relay's events, and one count of its figures, for all who listen over HTTP.

It works while somebody listens, and a little longer: who comes back within that time, as after a loss of
network, gets what happened meanwhile. Nobody holds up anybody: each listener has a queue of its own, and one
whose queue is full is let go, to come back when it can.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import msgspec

from relaycore._relaycore import Engine
from relaycore.events import AlertRaised, Event, EventReader
from relaycore.language import SOURCE, shown, using
from relaycore.settings import Action, masked
from relaycore.web.live.happened import happened, text_of
from relaycore.web.live.measure import Measure

if TYPE_CHECKING:
    from relaycore.alerts.alerts import Alerts
    from relaycore.relay import Relay

__all__ = ["KEPT", "LINGER_S", "MOST_LISTENERS", "MOST_OF_ONE", "PERIOD_S", "QUEUE", "Feed", "Listener"]

PERIOD_S: Final = 2.0
"""Seconds between figures."""

SHARE: Final = 50
"""Figures take one part in so many of the loop's time at most: with very many sessions they are rarer."""

LINGER_S: Final = 20.0
"""Seconds that it goes on when the last listener has left."""

KEPT: Final = 512
"""Messages that are kept for those who come back."""

QUEUE: Final = 256
"""Messages that wait for one listener."""

MOST_LISTENERS: Final = 64
"""Listeners at a time."""

MOST_OF_ONE: Final = 12
"""Listeners at a time of one user, or of one address where there are no names."""


@dataclass(frozen=True, slots=True)
class _Message:
    """Something that happened, and what who hears it must be allowed to do.

    ``make`` gives it as it is sent, in the language that holds; it is made once for each.
    """

    number: int
    needs: Action
    make: Callable[[], bytes]
    made: dict[str, bytes] = field(default_factory=dict)

    def in_language(self, tag: str) -> bytes:
        """As it is sent to who is spoken to in a language."""
        if tag not in self.made:
            with using(tag):
                self.made[tag] = self.make()
        return self.made[tag]


class Listener:
    """One who listens.

    ``may`` tells what it may do at this moment, ``whose`` is the user or the address, and ``wants`` names
    what it is to hear of, by the right to it.
    """

    def __init__(
        self,
        whose: str,
        may: Callable[[], Collection[Action]],
        wants: Collection[Action],
        language: str = SOURCE,
    ) -> None:
        self.whose = whose
        self._language = language
        self._may = may
        self._wants = wants
        self._waiting: deque[bytes] = deque()
        self._figures: bytes | None = None
        self._ready = asyncio.Event()
        self._ended = False

    async def next(self) -> bytes | None:
        """The next bytes to send; ``None`` when there will be no more."""
        while not self._waiting and self._figures is None:
            if self._ended:
                return None
            self._ready.clear()
            await self._ready.wait()
        if self._waiting:
            return self._waiting.popleft()
        figures, self._figures = self._figures, None
        return figures

    def greet(self, data: bytes, missed: Collection[_Message]) -> None:
        """Begins with this, and with what it has missed."""
        self._waiting.append(data)
        for message in missed:
            self.push(message)

    def push(self, message: _Message) -> None:
        """Something happened. One whose queue is full is let go."""
        if message.needs not in self._wants or message.needs not in self._may():
            return
        if len(self._waiting) >= QUEUE:
            self._waiting.clear()
            self.end()
            return
        self._waiting.append(message.in_language(self._language))
        self._ready.set()

    def measure(self, figures: bytes) -> None:
        """There are new figures; those that still wait are of no use any more."""
        if "look" not in self._may():
            self.end()
            return
        self._figures = figures
        self._ready.set()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._figures = None
        self._ready.set()


class Feed:
    """What there is to hear from one relay. All methods are called from the loop."""

    def __init__(self, relay: Relay, engine: Engine, alerts: Alerts, measure: Measure) -> None:
        self._relay, self._engine, self._alerts, self._measure = relay, engine, alerts, measure
        self._listeners: set[Listener] = set()
        self._kept: deque[_Message] = deque()
        self._run = ""
        self._number = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._left_at = 0.0
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether it does anything at all."""
        return bool(self._tasks)

    def has_room(self, whose: str) -> bool:
        """Whether one more may listen."""
        of_one = sum(listener.whose == whose for listener in self._listeners)
        return not self._closed and len(self._listeners) < MOST_LISTENERS and of_one < MOST_OF_ONE

    def add(self, listener: Listener, last: str | None) -> None:
        """From now on it hears what happens, and first what it has missed since the message ``last``."""
        if not self._tasks:
            self._start()
        run, _, number = (last or "").partition("-")
        first = self._kept[0].number if self._kept else self._number + 1
        resumed = run == self._run and number.isdecimal() and first - 1 <= int(number[:19]) <= self._number
        missed = [message for message in self._kept if message.number > int(number[:19])] if resumed else []
        hello = msgspec.json.encode({"resumed": resumed, "period_s": PERIOD_S})
        # Without missed messages the next one is counted from here; with them, from the last that it had.
        start = f"{self._run}-{number if resumed else self._number}"
        listener.greet(_frame("hello", hello, start), missed)
        self._listeners.add(listener)

    def remove(self, listener: Listener) -> None:
        """It has left."""
        self._listeners.discard(listener)
        self._left_at = time.monotonic()

    async def close(self) -> None:
        """Ends all of it."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
        await self._stop()

    def _start(self) -> None:
        self._run, self._number = token_hex(4), 0
        self._kept = deque(maxlen=KEPT)
        loop = asyncio.get_running_loop()
        # Here and not in the task: what happens before that has begun is heard, too.
        events = self._relay.events()
        self._tasks = [loop.create_task(self._follow(events)), loop.create_task(self._count())]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _follow(self, events: EventReader) -> None:
        discarded = 0
        async for event in events:
            if events.discarded > discarded:
                # There is a gap: all have to look at everything again.
                discarded = events.discarded
                self._kept.clear()
                self._number += 1
                hello = msgspec.json.encode({"resumed": False, "period_s": PERIOD_S})
                data = _frame("hello", hello, f"{self._run}-{self._number}")
                self._tell(_Message(self._number, "look", partial(bytes, data)))
            self._take(event)

    def _take(self, event: Event) -> None:
        self._number += 1
        name = f"{self._run}-{self._number}"
        if isinstance(event, AlertRaised):
            alert = event.alert

            def make() -> bytes:
                return _frame("alert", msgspec.json.encode(self._alerts.in_language(alert)), name)

            message = _Message(self._number, "audit", make)
        else:
            # With the counters of this moment, whenever and to whomever it is sent.
            found = happened(event, self._engine, self._measure.ids)
            text = text_of(event)

            def make() -> bytes:
                told = found if text is None else msgspec.structs.replace(found, text=masked(shown(text)))
                return _frame("happened", msgspec.json.encode(told), name)

            message = _Message(self._number, "look", make)
        self._kept.append(message)
        self._tell(message)

    def _tell(self, message: _Message) -> None:
        for listener in self._listeners:
            listener.push(message)

    async def _count(self) -> None:
        while True:
            spent = 0.0
            if self._listeners:
                begun = time.monotonic()
                figures = _frame("figures", msgspec.json.encode(self._measure.now()))
                for listener in self._listeners:
                    listener.measure(figures)
                spent = time.monotonic() - begun
            elif time.monotonic() - self._left_at > LINGER_S:
                await self._stop()
                return
            await asyncio.sleep(max(PERIOD_S, spent * SHARE))


def _frame(kind: str, data: bytes, name: str | None = None) -> bytes:
    """A message as the HTML standard has it, section 9.2.5; JSON has no line breaks in it."""
    head = f"event: {kind}\n" if name is None else f"id: {name}\nevent: {kind}\n"
    return head.encode() + b"data: " + data + b"\n\n"
