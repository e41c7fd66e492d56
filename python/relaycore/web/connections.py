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

_FORGOTTEN_AT = 16
"""Clients of ended connections that are kept before they are forgotten."""

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
    def peer(self) -> str:
        """Address and port of the client."""

    @property
    def secure(self) -> bool:
        """Whether the client's bytes are encrypted, and the socket is a local one."""

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
        self._arriving: set[object] = set()
        self._clients: dict[object, tuple[str, bool]] = {}

    def __len__(self) -> int:
        return len(self._joining) + (0 if self._server is None else len(self._server.connections))

    @property
    def remembered(self) -> int:
        """Clients that it knows, those that are gone and not forgotten yet included."""
        return len(self._clients)

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
        client = handed.peer, handed.secure
        task = asyncio.get_running_loop().create_task(self._join(connection, handed.data, client))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    def client_of(self, request: web.BaseRequest) -> tuple[str, bool]:
        """Address and port of the client that sent a request, and whether its connection is encrypted.

        The socket of an encrypted connection is a local one, which does not know. The address is empty, which
        is that of no machine, where the connection is unknown.
        """
        return self._clients.get(request.protocol, ("", False))

    def give_away(self, request: web.BaseRequest) -> int:
        """The descriptor of the connection of a request; whoever gets it owns it.

        The server knows the connection no more, and nothing more is written to it here. ConnectionError when
        it is lost.
        """
        transport = request.transport
        found = None if transport is None else transport.get_extra_info("socket")
        if transport is None or found is None or transport.is_closing():
            raise ConnectionResetError("the connection was lost")
        # A duplicate, since the transport closes what it has.
        kept = socket.fromfd(found.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        transport.abort()
        return kept.detach()

    async def close(self) -> None:
        """Waits until the server has all that it was given: it ends them."""
        await asyncio.gather(*self._joining, return_exceptions=True)

    async def _join(self, connection: socket.socket, data: bytes, client: tuple[str, bool]) -> None:
        assert self._server is not None
        protocol = self._server()
        self._arriving.add(protocol)
        self._forget_gone()
        self._clients[protocol] = client
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Arrival(protocol, data), connection
            )
        except OSError as error:
            _log.debug("a connection was lost before it was served: %s", error)
            connection.close()
        finally:
            self._arriving.discard(protocol)

    def _forget_gone(self) -> None:
        """Forgets the clients whose connections have ended, once there are many of them."""
        assert self._server is not None
        if len(self._clients) >= 2 * len(self) + _FORGOTTEN_AT:
            there = self._arriving.union(self._server.connections)
            self._clients = {key: client for key, client in self._clients.items() if key in there}


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
