"""What the tests of the HTTP side send and compare."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TIMEOUT", "Answer", "Raw"]

TIMEOUT = 20.0
"""Seconds until a missing answer fails a test."""


@dataclass(frozen=True)
class Answer:
    """One answer. Names of headers are in lower case; of several with one name the last is kept."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Raw:
    """A connection that sends exactly the bytes that it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, address: tuple[str, int]) -> Raw:
        """Connect, and say nothing yet."""
        return cls(*await asyncio.open_connection(*address))

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)

    def send_end(self) -> None:
        """Send no more."""
        self._writer.write_eof()

    async def answer(self) -> Answer:
        """The next answer. EOFError when the server closes the connection instead."""
        async with asyncio.timeout(TIMEOUT):
            try:
                head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except asyncio.IncompleteReadError as error:
                raise EOFError(error.partial) from None
            status, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(status.split()[1]), headers, body)

    async def closed(self) -> bytes:
        """What comes until the server closes the connection."""
        async with asyncio.timeout(TIMEOUT):
            return await self._reader.read()

    async def close(self) -> None:
        """Close the connection, which the server may have done already."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
