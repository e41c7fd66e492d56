"""An engine that pulls a stream, and lets everybody read it."""

from __future__ import annotations

import queue
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from relaycore._relaycore import Engine, PullEvent, Request

__all__ = ["Pulling", "pulling"]

LIMIT = 30.0
"""Seconds until an event that does not come fails a test."""


class Pulling:
    """What becomes of the pull, and where its stream is."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.events: queue.Queue[PullEvent] = queue.Queue()

    def next_event(self) -> PullEvent:
        """What becomes of the pull next."""
        return self.events.get(timeout=LIMIT)

    def connected(self) -> None:
        """Wait until the server plays: what fails before is tried again."""
        while self.next_event().kind != "connected":
            pass


@contextmanager
def pulling(url: str, transport: Literal["auto", "tcp", "udp"]) -> Iterator[Pulling]:
    """Pull ``url`` for as long as the context is open."""
    engine = Engine(shards=1)
    host, port = engine.listen("127.0.0.1", 0)
    pull = Pulling(f"rtsp://{host}:{port}/near")
    stop, stopped = socket.socketpair()

    def decide() -> None:
        while True:
            ready = select.select([engine.fileno(), stopped.fileno()], [], [])[0]
            if stopped.fileno() in ready:
                return
            for item in engine.poll():
                if isinstance(item, Request):
                    engine.allow(item.id)
                elif isinstance(item, PullEvent):
                    pull.events.put(item)

    deciding = threading.Thread(target=decide)
    deciding.start()
    try:
        engine.pull("near", url, transport=transport)
        yield pull
    finally:
        stop.send(b"x")
        deciding.join()
        engine.close()
        stop.close()
        stopped.close()
