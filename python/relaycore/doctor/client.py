"""An RTSP connection that keeps every byte of what is said on it, within limits.

It reads what RFC 2326 allows and no more: what it cannot read is the server's fault, raised as ``Broken``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from relaycore.doctor.credentials import Credentials
from relaycore.doctor.findings import Broken
from relaycore.doctor.target import Target
from relaycore.language import Message

__all__ = ["Answer", "Client", "Reading", "Writing", "open_connection"]

ANSWER_S: Final = 5.0
"""Seconds that an answer may take."""

HEAD_BYTES: Final = 16 * 1024
"""Status line and headers of an answer."""

BODY_BYTES: Final = 256 * 1024
"""Body of an answer."""

READ_BYTES: Final = 64 * 1024
"""Bytes that are read at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, its headers in their order with names in lower case, and all of its bytes."""

    version: str
    status: int
    headers: tuple[tuple[str, str], ...]
    head: bytes
    body: bytes

    def get(self, name: str) -> str | None:
        """The first header of a name in lower case."""
        return next((value for known, value in self.headers if known == name), None)

    def all(self, name: str) -> list[str]:
        """Every header of a name in lower case."""
        return [value for known, value in self.headers if known == name]


class Reading(Protocol):
    """Where answers come from: the connection, or what carries RTSP inside something else."""

    async def read(self, n: int, /) -> bytes:
        """Some bytes, ``n`` at most; none at the end."""


class Writing(Protocol):
    """Where requests go."""

    def write(self, data: bytes, /) -> None:
        """Take bytes to be sent."""

    async def drain(self) -> None:
        """Return when there is room for more."""

    def close(self) -> None:
        """End it."""

    def get_extra_info(self, name: str, /) -> Any:
        """What is known of the connection."""


async def open_connection(
    target: Target, port: int | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection, encrypted where the URL says so. OSError or TimeoutError when that is not possible."""
    context = None
    if target.scheme == "rtsps":
        # Cameras sign their certificates themselves, and Digest shows the password to nobody.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(ANSWER_S):
        return await asyncio.open_connection(target.host, port or target.port, ssl=context)


class Client:
    """One connection. ``said`` gets what was sent and what came, as ``(sent, bytes)``."""

    def __init__(
        self,
        reader: Reading,
        writer: Writing,
        said: list[tuple[bool, bytes]],
        credentials: Credentials | None,
    ) -> None:
        self.on_frame: Callable[[int, bytes], None] = _forget
        """Is given the channel and the content of every interleaved frame."""
        self._reader = reader
        self._writer = writer
        self._said = said
        self._credentials = credentials
        self._sequence = 0
        self._buffer = bytearray()

    @classmethod
    async def connect(
        cls, target: Target, said: list[tuple[bool, bytes]], credentials: Credentials | None
    ) -> Self:
        """Connect to the server. OSError or TimeoutError when that is not possible."""
        reader, writer = await open_connection(target)
        return cls(reader, writer, said, credentials)

    def close(self) -> None:
        """Close the connection without a word."""
        self._writer.close()

    @property
    def host(self) -> str:
        """Our own address on this connection."""
        host: str = self._writer.get_extra_info("sockname")[0]
        return host

    @property
    def peer(self) -> str:
        """The server's address on this connection."""
        host: str = self._writer.get_extra_info("peername")[0]
        return host

    async def request(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str] | None = None,
        *,
        version: str = "RTSP/1.0",
        log_in: bool = True,
    ) -> Answer:
        """Send a request, once more with credentials when they are asked for, and read the answer.

        ``log_in`` false sends it once, without any. Broken when what comes is no answer, or nothing comes.
        """
        answer = await self._exchange(method, uri, headers or {}, version, log_in)
        asked = self._credentials if answer.status == 401 and log_in else None
        if asked is not None and asked.take(answer.all("www-authenticate")):
            answer = await self._exchange(method, uri, headers or {}, version, True)
        return answer

    async def send(self, data: bytes, *, shown: bool = True) -> None:
        """Send bytes as they are; they are left out of what was said unless ``shown``."""
        if shown:
            self._said.append((True, data))
        try:
            async with asyncio.timeout(ANSWER_S):
                self._writer.write(data)
                await self._writer.drain()
        except (OSError, TimeoutError):
            raise Broken(Message("The connection was closed.")) from None

    async def answer(self) -> Answer:
        """The next answer; frames before it are kept. Broken when there is none."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._answer()
        except TimeoutError:
            why = Message("There was no answer in time.")
        except (EOFError, OSError):
            why = Message("The connection was closed.")
        if self._buffer:
            self._said.append((False, bytes(self._buffer[:HEAD_BYTES])))
        raise Broken(why)

    async def listen(self, seconds: float) -> None:
        """Take frames for so long. The end of the connection ends it early."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._answer()
        except (TimeoutError, EOFError, OSError, Broken):
            return

    async def _exchange(
        self, method: str, uri: str, headers: Mapping[str, str], version: str, log_in: bool
    ) -> Answer:
        self._sequence += 1
        lines = [f"{method} {uri} {version}", f"CSeq: {self._sequence}", "User-Agent: relaycore-doctor"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if log_in and self._credentials is not None:
            known = self._credentials.header(method, uri)
            if known is not None:
                lines.append(f"Authorization: {known}")
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.answer()

    async def _frames(self) -> None:
        """Hands on the frames that are before a message."""
        while (await self._have(1)).startswith(b"$"):
            length = int.from_bytes((await self._have(4))[2:4])
            frame = (await self._have(4 + length))[: 4 + length]
            self.on_frame(frame[1], bytes(frame[4:]))
            del self._buffer[: 4 + length]

    async def _answer(self) -> Answer:
        await self._frames()
        end = -1
        while end < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end > HEAD_BYTES or (end < 0 and len(self._buffer) > HEAD_BYTES):
                self._said.append((False, bytes(self._buffer[:HEAD_BYTES])))
                raise Broken(Message("The answer has no end."))
            if end < 0:
                await self._have(len(self._buffer) + 1)
        head = self._take(end + 4)
        self._said.append((False, head))
        return await self._read_body(head)

    async def _have(self, count: int) -> bytearray:
        """What came and was not taken yet: ``count`` bytes at least. EOFError when it ends before."""
        while len(self._buffer) < count:
            data = await self._reader.read(READ_BYTES)
            if not data:
                raise EOFError
            self._buffer += data
        return self._buffer

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _read_body(self, head: bytes) -> Answer:
        status_line, *lines = head.decode("utf-8", "replace").rstrip("\r\n").split("\r\n")
        version, _, rest = status_line.partition(" ")
        number = rest[:3]
        if not version.startswith("RTSP/") or not (
            number.isascii() and number.isdigit() and len(number) == 3
        ):
            raise Broken(Message("What came is no answer of RTSP."))
        headers: list[tuple[str, str]] = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise Broken(Message("What came is no answer of RTSP."))
            headers.append((name.strip().lower(), value.strip()))
        length = dict(reversed(headers)).get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > 9:
            raise Broken(Message("What came is no answer of RTSP."))
        if int(length) > BODY_BYTES:
            raise Broken(Message("The answer has no end."))
        await self._have(int(length))
        body = self._take(int(length))
        if body:
            self._said.append((False, body))
        return Answer(version, int(number), tuple(headers), head, body)


def _forget(channel: int, content: bytes) -> None:
    """What nobody listens to."""
