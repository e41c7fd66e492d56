"""The sources that FFmpeg reads: starts them in order, and ends those that are not needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from relaycore._relaycore import Track, now_ns
from relaycore.language import Message
from relaycore.paths.feed import Feed, Unit
from relaycore.paths.output import PathOutput
from relaycore.paths.source import SourceEvents, SourceState, SourceStatus
from relaycore.paths.switch import Switch
from relaycore.settings import PathSettings, masked

__all__ = ["LocalSources"]

SECOND: Final = 1_000_000_000

START_S: Final = 4.0
"""Seconds that a source gets for its first picture before the next one is started beside it."""

LOOK_S: Final = 0.5
"""Seconds between two looks whether a source has stalled."""

JOIN_S: Final = 1.0
"""Seconds that the threads get to end; one that hangs in a read is left to its timeout."""


class LocalSources:
    """Feeds one path from a list of places, as :class:`~relaycore.paths.source.Source`."""

    def __init__(
        self, settings: PathSettings, make_output: Callable[[], PathOutput], events: SourceEvents
    ) -> None:
        self._places = settings.sources
        self._settings = settings
        self._make_output = make_output
        self._events = events
        self._run: _Run | None = None
        self._switches = 0

    def start(self) -> None:
        """Starts the first source."""
        if self._run is None:
            self._run = _Run(self._places, self._settings, self._make_output(), self._events, self._count)

    async def stop(self) -> None:
        """Ends the stream and all sources."""
        run, self._run = self._run, None
        if run is not None:
            await run.stop()

    def status(self) -> SourceStatus:
        """How they do."""
        if self._run is None:
            return SourceStatus("off", switches=self._switches)
        return self._run.status(self._switches)

    def _count(self) -> None:
        self._switches += 1


class _Run:
    """From one start to its stop. It is the sink of its feeds, from whose threads it is called."""

    def __init__(
        self,
        places: list[str],
        settings: PathSettings,
        output: PathOutput,
        events: SourceEvents,
        count_switch: Callable[[], None],
    ) -> None:
        self._places, self._settings = places, settings
        self._events = events
        self._count_switch = count_switch
        self._loop = asyncio.get_running_loop()
        self._switch = Switch(len(places), output, self._switched)
        self._feeds: list[Feed | None] = [None] * len(places)
        self._started_ns = [0] * len(places)
        self._reasons: list[str | None] = [None] * len(places)
        self._finished = [False] * len(places)
        self._current: int | None = None
        self._before: int | None = None
        self._error: str | None = None
        self._idle_since = now_ns()
        self._look = asyncio.Event()
        self._ended = False
        self._task = self._loop.create_task(self._watch())

    def status(self, switches: int) -> SourceStatus:
        """How the sources do."""
        state: SourceState = "starting" if self._error is None else "failed"
        if self._current is not None:
            return SourceStatus("live", masked(self._places[self._current]), self._error, switches)
        return SourceStatus(state, None, self._error, switches)

    async def stop(self) -> None:
        """Ends everything."""
        self._ended = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        running = [feed for feed in self._feeds if feed is not None]
        for feed in running:
            feed.stop()
        self._switch.end()
        await asyncio.gather(*(asyncio.to_thread(feed.join, JOIN_S) for feed in running))

    # Called from the threads of feeds

    def opened(self, feed: int, tracks: list[Track]) -> None:
        """Passes on to the switch what a source has."""
        self._switch.opened(feed, tracks)

    def deliver(self, feed: int, unit: Unit) -> None:
        """Passes an access unit on to the switch."""
        self._switch.deliver(feed, unit)

    def closed(self, feed: int, reason: str, *, final: bool) -> None:
        """A source has failed or ended."""
        self._switch.lost(feed)
        self._in_loop(self._on_closed, feed, reason, final)

    def _switched(self, feed: int | None) -> None:
        self._in_loop(self._on_switched, feed)

    def _in_loop(self, call: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._unless_ended, call, *arguments)

    # In the loop

    def _unless_ended(self, call: Callable[..., None], *arguments: object) -> None:
        """What threads told before the end must not seem to be of the time after it."""
        if not self._ended:
            call(*arguments)

    def _on_closed(self, feed: int, reason: str, final: bool) -> None:
        self._finished[feed] = final
        if self._reasons[feed] != reason:
            # Said once, and not with each of the tries that follow.
            self._reasons[feed] = self._error = reason
            self._events.failed(masked(self._places[feed]), reason)
        self._look.set()

    def _on_switched(self, feed: int | None) -> None:
        self._current = feed
        self._look.set()
        if feed is None:
            self._idle_since = now_ns()
            self._events.idle(self._error or Message("The source has ended."))
            return
        self._reasons[feed] = None
        source = masked(self._places[feed])
        if self._before is not None and self._before != feed:
            self._count_switch()
            self._events.switched(source, masked(self._places[self._before]))
        self._before = feed
        self._events.live(source)

    async def _watch(self) -> None:
        while True:
            self._look.clear()
            self._start_and_stop()
            idle_s = (now_ns() - self._idle_since) / SECOND
            if self._current is None and idle_s > self._settings.publisher_timeout:
                self._switch.expire()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._look.wait()
            except TimeoutError:
                continue

    def _start_and_stop(self) -> None:
        """A source runs while all before it are down, and until one before it feeds the stream."""
        for number, feed in enumerate(self._feeds):
            needed = all(self._is_down(before) for before in range(number))
            if feed is None and needed:
                self._start(number)
            elif feed is not None and not needed and self._current is not None and self._current < number:
                feed.stop()
                self._switch.lost(number)
                self._feeds[number] = None

    def _start(self, number: int) -> None:
        settings = self._settings
        feed = Feed(
            number, self._places[number], self, transport=settings.source_transport, loop=settings.loop
        )
        self._feeds[number] = feed
        self._started_ns[number] = now_ns()
        self._finished[number] = False
        self._reasons[number] = None
        feed.start()

    def _is_down(self, number: int) -> bool:
        if self._feeds[number] is None or self._switch.is_well(number):
            return False
        had_its_time = now_ns() - self._started_ns[number] > START_S * SECOND
        return self._finished[number] or self._reasons[number] is not None or had_its_time
