"""A narrow way for datagrams: what comes leaves at the other end as fast as the way is wide, or is lost."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

__all__ = ["narrow_way"]

LONGEST_S: Final = 0.3
"""What would wait longer is lost, as in the queue of a router."""

LONGEST_BYTES: Final = 2048


@dataclass(slots=True)
class _Way:
    """A client's end of the way; what is for it waits until it is due."""

    client: tuple[str, int]
    upstream: socket.socket
    free_at: float = 0.0
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)


@contextmanager
def narrow_way(to: tuple[str, int], bits_per_second: int) -> Iterator[int]:
    """A port whose datagrams go to ``to``; what is answered comes back over the narrow way."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as downstream,
        selectors.DefaultSelector() as selector,
    ):
        downstream.bind(("127.0.0.1", 0))
        downstream.setblocking(False)
        selector.register(downstream, selectors.EVENT_READ)
        ended = threading.Event()
        arguments = (downstream, selector, to, bits_per_second, ended)
        thread = threading.Thread(target=_carry, args=arguments, daemon=True)
        thread.start()
        try:
            yield downstream.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def _carry(
    downstream: socket.socket,
    selector: selectors.BaseSelector,
    to: tuple[str, int],
    bits_per_second: int,
    ended: threading.Event,
) -> None:
    ways: dict[tuple[str, int], _Way] = {}
    while not ended.is_set():
        now = time.monotonic()
        due = [way.waiting[0][0] for way in ways.values() if way.waiting]
        for key, _ in selector.select(min([0.1, *(max(at - now, 0.0) for at in due)])):
            if key.fileobj is downstream:
                data, client = downstream.recvfrom(LONGEST_BYTES)
                if client not in ways:
                    upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    upstream.connect(to)
                    ways[client] = way = _Way(client, upstream)
                    selector.register(upstream, selectors.EVENT_READ, way)
                ways[client].upstream.send(data)
                continue
            way = key.data
            data = way.upstream.recv(LONGEST_BYTES)
            now = time.monotonic()
            way.free_at = max(way.free_at, now)
            if way.free_at < now + LONGEST_S:
                way.free_at += len(data) * 8 / bits_per_second
                way.waiting.append((way.free_at, data))
        now = time.monotonic()
        for way in ways.values():
            while way.waiting and way.waiting[0][0] <= now:
                downstream.sendto(way.waiting.popleft()[1], way.client)
    for way in ways.values():
        way.upstream.close()
