"""The beginning of what carries RTSP inside HTTP: one request, and the head of its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relaycore.doctor.client import ANSWER_S, HEAD_BYTES, open_connection
from relaycore.doctor.findings import Untried
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["HttpHead", "ask_head", "connect"]


@dataclass(frozen=True, slots=True)
class HttpHead:
    """The head of an answer, up to its empty line."""

    data: bytes

    @property
    def is_http(self) -> bool:
        """Whether it is one of HTTP at all."""
        return self.data.startswith(b"HTTP/1.")

    @property
    def status(self) -> int:
        """Its status; 0 where that cannot be read."""
        number = self.data[9:12]
        return int(number) if number.isdigit() else 0

    def all(self, name: str) -> list[str]:
        """Every header of a name in lower case."""
        lines = self.data.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [value.strip() for known, _, value in pairs if known.strip().lower() == name]


async def connect(visit: Visit) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the port of HTTP. Untried when there is none."""
    try:
        return await open_connection(visit.target, visit.http_port)
    except (OSError, TimeoutError):
        raise Untried(Message("No connection was accepted.")) from None


async def ask_head(
    visit: Visit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> HttpHead:
    """What a request is answered, both kept with what was said. Untried where no answer comes."""
    visit.said.append((True, request))
    try:
        async with asyncio.timeout(ANSWER_S):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
        raise Untried(Message("The server does not have this.")) from None
    visit.said.append((False, head[:HEAD_BYTES]))
    return HttpHead(head)
