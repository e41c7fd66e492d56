"""RTSP in WebSockets in front of a relay, right or with a fault, by aiohttp's frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import WSMsgType, web

__all__ = ["Bridge", "bridge"]


@dataclass(frozen=True)
class Bridge:
    """What is done right. ``answer`` changes what goes back."""

    protocols: tuple[str, ...] = ("rtsp.onvif.org",)
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
