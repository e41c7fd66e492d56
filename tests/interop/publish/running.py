"""A relay in a thread of its own: tests wait for what happens in it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from relaycore import Relay
from relaycore.events import Event, StreamAdded
from tests.support.background import Background

__all__ = ["LIMIT", "RunningRelay"]

LIMIT = 30.0
"""Seconds until something that does not happen fails a test."""

Happened = TypeVar("Happened", bound=Event)


class RunningRelay:
    """Relays from ``with`` to its end, with the arguments of :class:`relaycore.Relay`.

    ``events`` are all events so far.
    """

    def __init__(self, **arguments: Any) -> None:
        self.events: list[Event] = []
        self._arguments = arguments
        self._address: tuple[str, int] | None = None
        self._background = Background(self._serve())

    def __enter__(self) -> Self:
        background = self._background
        background.start()
        with background.news:
            came = background.news.wait_for(lambda: self._address or background.failure, LIMIT)
            assert came, "no relay"
            assert self._address is not None, background.failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._background.stop()
        assert self._background.failure is None, self._background.failure

    def url(self, path: str, *, scheme: str = "rtsp") -> str:
        """The URL of a path."""
        assert self._address is not None
        host, port = self._address
        return f"{scheme}://{host}:{port}/{path}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        assert self._address is not None
        return self._address

    def wait(
        self, kind: type[Happened], condition: Callable[[Happened], bool], *, since: int = 0, count: int = 1
    ) -> list[Happened]:
        """Wait until ``count`` events of a kind have fulfilled a condition, and give them.

        The first ``since`` events of all do not count.
        """

        def found() -> list[Happened]:
            return [event for event in self.events[since:] if isinstance(event, kind) and condition(event)]

        with self._background.news:
            self._background.news.wait_for(lambda: len(found()) >= count, LIMIT)
            events = found()
        assert len(events) >= count, f"{len(events)} of {count} {kind.__name__}: {self.events[since:]}"
        return events

    def wait_live(self, path: str) -> None:
        """Wait until somebody publishes to a path."""
        self.wait(StreamAdded, lambda event: event.path == path)

    async def _serve(self) -> None:
        async with Relay(port=0, **self._arguments) as relay:
            events = relay.events()
            with self._background.news:
                self._address = relay.address
                self._background.news.notify_all()
            async for event in events:
                with self._background.news:
                    self.events.append(event)
                    self._background.news.notify_all()
