"""RTSP in WebSockets by aiohttp's frames: a client, and a server before a relay, right or with a fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from tests.support.rtsp import Client

__all__ = ["PROTOCOL", "Bridge", "bridge", "carried"]

PROTOCOL = "rtsp.onvif.org"


class _Frames:
    """Sends what is written in messages of their own."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._tasks: list[asyncio.Task[object]] = []

    def write(self, data: bytes, /) -> None:
        self._tasks.append(asyncio.create_task(self._socket.send_bytes(data)))

    def close(self) -> None:
        self._tasks.append(asyncio.create_task(self._socket.close()))

    def get_extra_info(self, name: str, /) -> Any:
        return self._socket.get_extra_info(name)


@asynccontextmanager
async def carried(url: str, at: str, **handshake: Any) -> AsyncIterator[Client]:
    """A client that speaks of ``url`` in a WebSocket at the address ``at``."""
    async with (
        ClientSession() as session,
        session.ws_connect(at, protocols=[PROTOCOL], max_msg_size=1 << 20, **handshake) as socket,
    ):
        assert socket.protocol == PROTOCOL
        reader = asyncio.StreamReader()

        async def read() -> None:
            async for message in socket:
                assert message.type is WSMsgType.BINARY
                reader.feed_data(message.data)
            reader.feed_eof()

        reading = asyncio.create_task(read())
        try:
            async with Client(url, reader, _Frames(socket)) as client:
                yield client
        finally:
            await socket.close()
            await reading


@dataclass(frozen=True)
class Bridge:
    """What is done right. ``answer`` changes what goes back."""

    protocols: tuple[str, ...] = (PROTOCOL,)
    status: int = 101
    text: bool = False
    whole: bool = False
    """Closes where a message is not a request."""

    pongs: bool = True
    answer: Callable[[bytes], bytes] = bytes


@asynccontextmanager
async def bridge(port: int, how: Bridge) -> AsyncIterator[int]:
    """The port of WebSockets in front of the relay at ``port``."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if how.status != 101:
            return web.Response(status=how.status)
        socket = web.WebSocketResponse(protocols=how.protocols, autoping=False)
        await socket.prepare(request)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def go_back() -> None:
            while data := how.answer(await reader.read(4096) or b""):
                await (socket.send_str(data.decode("latin-1")) if how.text else socket.send_bytes(data))

        back = asyncio.create_task(go_back())
        try:
            async for message in socket:
                if message.type is WSMsgType.PING and how.pongs:
                    await socket.pong(message.data)
                if message.type is WSMsgType.BINARY:
                    if how.whole and not message.data.endswith(b"\r\n\r\n"):
                        break
                    writer.write(message.data)
        finally:
            back.cancel()
            writer.close()
        return socket

    app = web.Application()
    app.router.add_get("/websocket", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
