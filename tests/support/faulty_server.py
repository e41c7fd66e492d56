"""A real relay whose answers are changed on the way, so that it breaks one rule of RTSP at a time."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.listening import listening

__all__ = ["Fault", "FrameFault", "Said", "as_it_is", "cut", "edit", "faulty", "garbage", "plain", "status"]


@dataclass(frozen=True)
class Said:
    """A request and its answer. The head ends in its empty line."""

    request: str
    head: str
    body: bytes


Fault = Callable[[Said], bytes | None]
"""What is sent in place of an answer; ``None`` closes the connection."""


FrameFault = Callable[[int, bytes], bytes]
"""What is sent in place of the content of a frame of a channel; nothing where it is empty."""


def as_it_is(channel: int, content: bytes) -> bytes:
    """The content of a frame as it is."""
    return content


def plain(said: Said) -> bytes:
    """The answer as it is."""
    return said.head.encode() + said.body


def edit(old: str, new: str, *, of: str = "", body: bool = False) -> Fault:
    """Replaces a text in the heads, or bodies, of answers to requests that have ``of`` in them.

    The fault says when it finds nothing, since it would plant nothing.
    """

    def fault(said: Said) -> bytes:
        if of not in said.request or not said.head.startswith("RTSP/1.0 2"):
            return plain(said)
        if not body:
            assert old in said.head, said.head
            return plain(Said(said.request, said.head.replace(old, new, 1), said.body))
        changed = said.body.replace(old.encode(), new.encode())
        if not said.body:
            return plain(said)
        assert changed != said.body, said.body
        length = f"Content-Length: {len(said.body)}"
        head = said.head.replace(length, f"Content-Length: {len(changed)}")
        assert length in said.head
        return head.encode() + changed

    return fault


def cut(name: str, *, of: str) -> Fault:
    """Leaves a header out of answers to requests that have ``of`` in them."""

    def fault(said: Said) -> bytes:
        lines = said.head.split("\r\n")
        if of in said.request:
            lines = [line for line in lines if not line.lower().startswith(f"{name.lower()}:")]
        return "\r\n".join(lines).encode() + said.body

    return fault


def status(code: int, *, of: str) -> Fault:
    """Answers requests that have ``of`` in them with another status, and the rest as it was."""

    def fault(said: Said) -> bytes:
        if of not in said.request:
            return plain(said)
        first, _, rest = said.head.partition("\r\n")
        version = first.partition(" ")[0]
        return f"{version} {code} Planted\r\n{rest}".encode() + said.body

    return fault


@asynccontextmanager
async def faulty(port: int, fault: Fault = plain, frames: FrameFault = as_it_is) -> AsyncIterator[int]:
    """The port of a server in front of that at ``port`` of this machine."""
    wrong: list[AssertionError] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        requests: deque[str] = deque()
        asking = asyncio.create_task(_ask(reader, inner_writer, requests))
        try:
            await _answer(inner_reader, writer, requests, fault, frames)
        except (asyncio.IncompleteReadError, OSError):
            pass
        except AssertionError as error:
            wrong.append(error)
        finally:
            asking.cancel()
            inner_writer.close()
            writer.close()

    async with listening(serve) as own:
        yield own
    assert not wrong, wrong


@asynccontextmanager
async def garbage(said: bytes, *, endless: bool = False, close: bool = False) -> AsyncIterator[int]:
    """The port of a server that says the same to every request, again and again if ``endless``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(4096):
                writer.write(said)
                while endless:
                    writer.write(said)
                    await writer.drain()
                if close:
                    break
        except OSError:
            pass
        finally:
            writer.close()

    async with listening(serve) as own:
        yield own


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: deque[str]) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = re.findall(rb"(?im)^content-length: *(\d+)\r$", head)
            body = await reader.readexactly(int(lengths[0])) if lengths else b""
            requests.append(head.decode())
            writer.write(head + body)
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    requests: deque[str],
    fault: Fault,
    frames: FrameFault,
) -> None:
    while True:
        first = await reader.readexactly(1)
        if first == b"$":
            start = await reader.readexactly(3)
            content = frames(start[0], await reader.readexactly(int.from_bytes(start[1:])))
            if content:
                writer.write(first + start[:1] + len(content).to_bytes(2) + content)
            continue
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line[15:] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0]) if lengths else 0)
        changed = fault(Said(requests.popleft(), head, body))
        if changed is None:
            return
        writer.write(changed)
