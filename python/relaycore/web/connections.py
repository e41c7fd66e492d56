"""Connections that the engine handed over because they speak HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Protocol

from aiohttp import web

__all__ = ["Connections", "Handed"]

_log = logging.getLogger(__name__)

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Connection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 44\r\n\r\n"
    b"Too many connections: try again in a moment\n"
)


class Handed(Protocol):
    """What the engine gives: an ``HttpConnection`` of the binding."""

    @property
    def data(self) -> bytes:
        """The bytes that were read already."""

    @property
    def handle(self) -> int:
        """The descriptor of the socket, which who asks for it has to close."""


class Connections:
    """Serves handed-over connections with an aiohttp server, at most ``most`` at a time.

    All methods are called from the loop, :meth:`serve_with` before any other.
    """

    def __init__(self, most: int) -> None:
        self._server: web.Server | None = None
        self._most = most
        self._joining: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._joining) + (0 if self._server is None else len(self._server.connections))

    def serve_with(self, server: web.Server) -> None:
        """Makes the protocols of this server answer."""
        self._server = server

    def take(self, handed: Handed) -> None:
        """Serves a connection from now on; refuses it when there are too many."""
        connection = socket.socket(fileno=handed.handle)
        connection.setblocking(False)
        if len(self) >= self._most:
            _refuse(connection)
            return
        task = asyncio.get_running_loop().create_task(self._join(connection, handed.data))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def close(self) -> None:
        """Waits until the server has all that it was given: it ends them."""
        await asyncio.gather(*self._joining, return_exceptions=True)

    async def _join(self, connection: socket.socket, data: bytes) -> None:
        assert self._server is not None
        server = self._server
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Arrival(server(), data), connection
            )
        except OSError as error:
            _log.debug("a connection was lost before it was served: %s", error)
            connection.close()


class _Arrival(asyncio.Protocol):
    """Gives a protocol its transport, then the bytes that came before, and steps aside.

    Both happen in one step: whatever the event loop reads comes behind these bytes.
    """

    def __init__(self, protocol: asyncio.Protocol, data: bytes) -> None:
        self._protocol = protocol
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(transport)
        transport.set_protocol(self._protocol)
        self._protocol.data_received(self._data)


def _refuse(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        connection.send(_FULL)
        connection.shutdown(socket.SHUT_WR)
