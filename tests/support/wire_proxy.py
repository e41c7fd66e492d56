"""A relay behind what changes bytes on their way, as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.support.listening import listening

__all__ = ["Change", "as_it_is", "between"]

Change = Callable[[bytes], bytes | None]
"""What goes on in place of what came at once; ``None`` closes the connection."""


def as_it_is(data: bytes) -> bytes:
    """What came."""
    return data


@asynccontextmanager
async def between(
    port: int,
    ask: Callable[[], Change] = lambda: as_it_is,
    answer: Callable[[], Change] = lambda: as_it_is,
    back: Callable[[bytes], bytes] = lambda data: b"",
) -> AsyncIterator[int]:
    """The port of a server in front of that at ``port`` of this machine.

    ``ask`` and ``answer`` make a change for each connection. What ``back`` gives is sent to who asks, beside
    what the relay answers.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        asking = ask()

        def ask_and_say(data: bytes) -> bytes | None:
            writer.write(back(data))
            return asking(data)

        ways = [(reader, inner_writer, ask_and_say), (inner_reader, writer, answer())]
        running = [asyncio.create_task(_carry(*way)) for way in ways]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in running:
                task.cancel()
            inner_writer.close()
            writer.close()

    async with listening(serve) as own:
        yield own


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
    try:
        while data := await reader.read(65536):
            changed = change(data)
            if changed is None:
                return
            writer.write(changed)
            await writer.drain()
    except OSError:
        return
