"""One RTSP source, which the engine pulls by itself: no packet of it comes through Python."""

from __future__ import annotations

from relaycore._relaycore import PullEvent
from relaycore.language import Message
from relaycore.paths.host import PathEngine
from relaycore.paths.source import SourceEvents, SourceStatus
from relaycore.settings import masked
from relaycore.settings.paths import Transport

__all__ = ["PullSource"]


class PullSource:
    """Feeds one path from one RTSP server, as :class:`~relaycore.paths.source.Source`."""

    def __init__(
        self,
        engine: PathEngine,
        path: str,
        url: str,
        transport: Transport,
        events: SourceEvents,
    ) -> None:
        self._engine = engine
        self._path, self._url, self._transport = path, url, transport
        self._events = events
        self._shown = masked(url)
        self._pull: int | None = None
        self._status = SourceStatus("off")

    def start(self) -> None:
        """Connects."""
        if self._pull is None:
            self._status = SourceStatus("starting")
            try:
                self._pull = self._engine.pull(self._path, self._url, transport=self._transport)
            except ValueError as error:
                self._failed(masked(str(error)))

    async def stop(self) -> None:
        """Disconnects, and ends the stream."""
        pull, self._pull = self._pull, None
        self._status = SourceStatus("off")
        if pull is not None:
            self._engine.stop_pull(pull)
            # Nobody comes back to what a person ended: readers need not wait for the timeout.
            self._engine.remove_stream(self._path)

    def status(self) -> SourceStatus:
        """How it does."""
        return self._status

    def happened(self, event: PullEvent) -> None:
        """Something happened to this pull, or to an earlier one of the path."""
        if event.pull != self._pull:
            return
        match event.kind:
            case "connected":
                self._status = SourceStatus("live", self._shown)
            case "failed":
                reason = event.reason
                self._failed(masked(reason) if reason else Message("The server gave no reason."))

    def _failed(self, reason: str) -> None:
        self._status = SourceStatus("failed", error=reason)
        self._events.failed(self._shown, reason)
