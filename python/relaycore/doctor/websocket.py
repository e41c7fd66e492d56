"""RTSP in a WebSocket (RFC 6455), as ONVIF has it: RTSP and its interleaved frames in binary messages."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from typing import Any, Final

from relaycore.doctor.client import Client
from relaycore.doctor.findings import Broken, Untried
from relaycore.doctor.http_head import HttpHead, ask_head, connect
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["BINARY", "CONTINUATION", "PING", "PROTOCOL", "TEXT", "WebSocket"]

PROTOCOL: Final = "rtsp.onvif.org"
"""The sub-protocol of RTSP."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

FRAME_BYTES: Final = 1024 * 1024
"""Longest frame that is taken in."""

_MAGIC: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What every server adds to the key (RFC 6455 section 1.3)."""


class WebSocket:
    """One WebSocket, which reads and writes as a connection does. It notes what the server's frames are."""

    def __init__(self, visit: Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = HttpHead(b"")
        """The answer to the handshake."""
        self.client = Client(self, self, visit.said, visit.credentials)
        """Speaks RTSP in it."""
        self.kinds: set[int] = set()
        """Opcodes of frames that came."""
        self.masked = False
        """Whether one was masked, which only those of clients are."""
        self.pongs: list[bytes] = []
        """What was answered to pings."""
        self._visit = visit
        self._reader = reader
        self._writer = writer
        self._key = base64.b64encode(secrets.token_bytes(16)).decode()

    @classmethod
    async def ask(cls, visit: Visit) -> WebSocket:
        """What a handshake is answered, whatever it is. Untried where no answer of HTTP comes."""
        reader, writer = await connect(visit)
        socket = cls(visit, reader, writer)
        visit.keep(socket.client)
        socket.head = await ask_head(visit, reader, writer, socket._request())
        return socket

    @classmethod
    async def open(cls, visit: Visit) -> WebSocket:
        """A WebSocket. Untried where the server has none."""
        socket = await cls.ask(visit)
        if not socket.head.is_http or socket.head.status != 101:
            raise Untried(Message("The server does not have this."))
        return socket

    @property
    def accept(self) -> str:
        """What ``Sec-WebSocket-Accept`` has to be (RFC 6455 section 4.2.2)."""
        digest = hashlib.sha1((self._key + _MAGIC).encode(), usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()

    def send_frame(self, kind: int, data: bytes, *, last: bool = True) -> None:
        """One frame, ``last`` of its message or not."""
        mask = secrets.token_bytes(4)
        size = len(data)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = b"\xfe" + size.to_bytes(2)
        else:
            length = b"\xff" + size.to_bytes(8)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._writer.write(bytes([0x80 * last | kind]) + length + mask + masked)

    def write(self, data: bytes, /) -> None:
        """Send bytes as a message of their own."""
        self.send_frame(BINARY, data)

    async def read(self, n: int, /) -> bytes:  # noqa: ARG002 (a message is not cut)
        """The content of the next frame that has any; nothing at the end. Broken when it is far too long."""
        while True:
            try:
                first, second = await self._reader.readexactly(2)
                size = second & 0x7F
                if size >= 126:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
                if size > FRAME_BYTES:
                    raise Broken(Message("The answer has no end."))
                mask = await self._reader.readexactly(4) if second & 0x80 else bytes(4)
                data = await self._reader.readexactly(size)
            except asyncio.IncompleteReadError:
                return b""
            kind = first & 0x0F
            self.masked |= bool(second & 0x80)
            self.kinds.add(kind)
            data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)) if any(mask) else data
            if kind == CLOSE:
                return b""
            if kind == PING:
                self.send_frame(PONG, data)
            elif kind == PONG:
                self.pongs.append(data)
            elif data:
                return data

    async def drain(self) -> None:
        """Return when there is room for more."""
        await self._writer.drain()

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    def get_extra_info(self, name: str, /) -> Any:
        """What is known of the connection."""
        return self._writer.get_extra_info(name)

    def _request(self) -> bytes:
        target = self._visit.target
        lines = [
            f"GET {self._visit.websocket_path} HTTP/1.1",
            f"Host: {target.at(self._visit.http_port or target.port)}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self._key}",
            f"Sec-WebSocket-Protocol: {PROTOCOL}",
            "Sec-WebSocket-Version: 13",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
