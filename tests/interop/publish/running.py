"""A relay in a thread of its own: tests wait for what happens in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from relaycore import Relay
from relaycore.events import Event, StreamAdded

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
        self._more = threading.Condition()
        self._address: tuple[str, int] | None = None
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._serving = self._loop.create_task(self._serve())
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        with self._more:
            assert self._more.wait_for(lambda: self._address or self._failure, LIMIT), "no relay"
            assert self._address is not None, self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()
        assert self._failure is None, self._failure

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

        with self._more:
            self._more.wait_for(lambda: len(found()) >= count, LIMIT)
            events = found()
        assert len(events) >= count, f"{len(events)} of {count} {kind.__name__}: {self.events[since:]}"
        return events

    def wait_live(self, path: str) -> None:
        """Wait until somebody publishes to a path."""
        self.wait(StreamAdded, lambda event: event.path == path)

    async def _serve(self) -> None:
        async with Relay(port=0, **self._arguments) as relay:
            events = relay.events()
            with self._more:
                self._address = relay.address
                self._more.notify_all()
            async for event in events:
                with self._more:
                    self.events.append(event)
                    self._more.notify_all()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serving)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            with self._more:
                self._failure = error
                self._more.notify_all()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
