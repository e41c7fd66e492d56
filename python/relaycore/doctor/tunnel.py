"""RTSP over HTTP, as QuickTime made it: a GET that answers come on, a POST that requests go on as Base64."""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import Any, Final

from relaycore.doctor.client import ANSWER_S, Client, open_connection
from relaycore.doctor.findings import Broken, Untried
from relaycore.doctor.http_head import HttpHead, ask_head, connect
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["KIND", "Tunnel"]

KIND: Final = "application/x-rtsp-tunnelled"
"""The type of both ways."""


class Tunnel:
    """Both connections. What is written to it is sent as Base64 on that of the POST."""

    def __init__(self, visit: Visit, reader: asyncio.StreamReader) -> None:
        self.head = HttpHead(b"")
        """The answer to GET."""
        self.client = Client(reader, self, visit.said, visit.credentials)
        """Speaks RTSP through the tunnel."""
        self._visit = visit
        self._opened: list[asyncio.StreamWriter] = []
        self._cookie = secrets.token_hex(11)
        self._post: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @classmethod
    async def ask(cls, visit: Visit, *headers: str) -> Tunnel:
        """What a GET with more ``headers`` is answered. Untried where no answer of HTTP comes."""
        reader, writer = await connect(visit)
        tunnel = cls(visit, reader)
        tunnel._opened.append(writer)
        visit.keep(tunnel.client)
        request = tunnel._request("GET", f"Accept: {KIND}", *headers)
        tunnel.head = await ask_head(visit, reader, writer, request)
        if not tunnel.head.is_http:
            raise Untried(Message("The server does not have this."))
        return tunnel

    @classmethod
    async def open(cls, visit: Visit) -> Tunnel:
        """A tunnel of which both ways are open. Untried where the server has none."""
        tunnel = await cls.ask(visit)
        if tunnel.head.status != 200:
            raise Untried(Message("The server does not have this."))
        await tunnel.post()
        return tunnel

    async def post(self) -> None:
        """Open the way of the requests, or open it again. Broken when there is no connection."""
        if self._post is not None:
            self._post[1].close()
        try:
            self._post = await open_connection(self._visit.target, self._visit.http_port)
        except (OSError, TimeoutError):
            raise Broken(Message("No connection was accepted.")) from None
        self._opened.append(self._post[1])
        request = self._request("POST", f"Content-Type: {KIND}", "Content-Length: 32767")
        self._visit.said.append((True, request))
        self._post[1].write(request)

    async def answered(self, seconds: float) -> bytes:
        """What comes back on the way of the requests in so many seconds, which is nothing."""
        if self._post is None:
            return b""
        try:
            async with asyncio.timeout(seconds):
                return await self._post[0].read(1024)
        except (OSError, TimeoutError):
            return b""

    async def send_pieces(self, pieces: list[bytes], between_s: float) -> None:
        """Send Base64 as it is, each piece by itself. Broken when the connection is closed before."""
        assert self._post is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                for piece in pieces:
                    self._post[1].write(piece)
                    await self._post[1].drain()
                    await asyncio.sleep(between_s)
        except (OSError, TimeoutError):
            raise Broken(Message("The connection was closed.")) from None

    def write(self, data: bytes, /) -> None:
        """Send bytes as Base64 of their own."""
        assert self._post is not None
        self._post[1].write(base64.b64encode(data))

    async def drain(self) -> None:
        """Return when there is room for more."""
        assert self._post is not None
        await self._post[1].drain()

    def close(self) -> None:
        """End both connections."""
        for writer in self._opened:
            writer.close()

    def get_extra_info(self, name: str, /) -> Any:
        """What is known of the connection of the answers."""
        return self._opened[0].get_extra_info(name)

    def _request(self, method: str, *headers: str) -> bytes:
        target = self._visit.target
        lines = [
            f"{method} {target.path} HTTP/1.0",
            f"Host: {target.at(self._visit.http_port or target.port)}",
            "User-Agent: relaycore-doctor",
            f"x-sessioncookie: {self._cookie}",
            *headers,
            "Pragma: no-cache",
            "Cache-Control: no-cache",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
