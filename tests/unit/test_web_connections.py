"""Connections that are handed over: whatever was read before comes first, and there are bounds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from relaycore.web.connections import Connections
from tests.support.http import TIMEOUT, Raw


class Handed:
    """A connection as the engine gives it, of a plain listener."""

    def __init__(self, accepted: socket.socket, data: bytes) -> None:
        self.data = data
        self.peer = "10.0.0.9:5000"
        self.secure = True
        self._accepted = accepted

    @property
    def handle(self) -> int:
        return self._accepted.detach()


async def echo(request: web.BaseRequest) -> web.Response:
    return web.Response(body=await request.read())


@asynccontextmanager
async def serving(most: int = 10) -> AsyncIterator[tuple[Connections, web.Server, socket.socket]]:
    server = web.Server(echo, access_log=None)
    connections = Connections(most)
    connections.serve_with(server)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield connections, server, listener
    await connections.close()
    await server.shutdown(1)


async def hand_over(listener: socket.socket, connections: Connections, read: int) -> None:
    """Accepts the next connection, reads some bytes of it, and hands it over.

    The loop has no part in that: on Windows a socket stays with the loop that used it first.
    """

    def accept() -> Handed:
        accepted, _ = listener.accept()
        accepted.settimeout(TIMEOUT)
        data = b""
        while len(data) < read:
            data += accepted.recv(read - len(data))
        return Handed(accepted, data)

    connections.take(await asyncio.to_thread(accept))


REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


async def test_a_request_may_be_read_before_up_to_any_byte() -> None:
    async with serving() as (connections, _, listener):
        for read in range(1, len(REQUEST) + 1):
            client = await Raw.connect(listener.getsockname())
            client.send(REQUEST)
            await hand_over(listener, connections, read)
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, b"hello"), read
            await client.close()


async def test_a_connection_is_used_again() -> None:
    async with serving() as (connections, _, listener):
        client = await Raw.connect(listener.getsockname())
        client.send(REQUEST + REQUEST)
        await hand_over(listener, connections, len(REQUEST) + 9)
        for _ in range(2):
            assert (await client.answer()).body == b"hello"
        client.send(REQUEST)
        assert (await client.answer()).body == b"hello"
        await client.close()


async def test_what_are_too_many_are_told_so() -> None:
    async with serving(most=2) as (connections, _, listener):
        held = []
        for _ in range(2):
            held.append(await Raw.connect(listener.getsockname()))
            held[-1].send(b"POST / HTTP/1.1\r\n")
            await hand_over(listener, connections, 4)
        assert len(connections) == 2
        refused = await Raw.connect(listener.getsockname())
        refused.send(REQUEST)
        await hand_over(listener, connections, len(REQUEST))
        answer = await refused.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert await refused.closed() == b""
        for client in (*held, refused):
            await client.close()


async def test_a_connection_that_ended_makes_room() -> None:
    async with serving(most=1) as (connections, _, listener):
        for _ in range(3):
            client = await Raw.connect(listener.getsockname())
            client.send(REQUEST.replace(b"Host: x", b"Host: x\r\nConnection: close"))
            await hand_over(listener, connections, len(REQUEST) + 19)
            assert (await client.answer()).status == 200
            assert await client.closed() == b""
            await client.close()


async def test_closing_ends_every_connection() -> None:
    async with serving() as (connections, server, listener):
        served, fresh = [await Raw.connect(listener.getsockname()) for _ in range(2)]
        served.send(REQUEST)
        await hand_over(listener, connections, len(REQUEST))
        await served.answer()
        fresh.send(b"P")
        await hand_over(listener, connections, 1)
        await connections.close()
        await server.shutdown(1)
        for client in (served, fresh):
            assert await client.closed() == b""
            await client.close()


async def test_whose_a_request_is_the_engine_knows_and_not_the_socket() -> None:
    found: list[tuple[str, bool]] = []

    async def whose(request: web.BaseRequest) -> web.Response:
        found.append(connections.client_of(request))
        return web.Response()

    server = web.Server(whose, access_log=None)
    connections = Connections(100)
    connections.serve_with(server)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(100):
            client = await Raw.connect(listener.getsockname())
            client.send(REQUEST)
            await hand_over(listener, connections, 1)
            assert (await client.answer()).status == 200
            await client.close()
    assert found == [("10.0.0.9:5000", True)] * 100
    assert connections.remembered < 50
    await connections.close()
    await server.shutdown(1)
