"""Readers over TCP that come, play and leave at once, for what sessions cost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.server import cpu_ns, serve

__all__ = ["CAMERA", "PER_SECOND", "come_and_go", "cost_of_visits", "environment"]

PER_SECOND: Final = 200
"""Sessions that begin and end in each second."""

CAMERA: Final = ("--camera", "pattern", "--size", "160x120", "--fps", "10", "--microphone", "none")
"""Options of a relay whose stream ``cam`` costs little, so that what sessions cost stands out."""


@contextmanager
def environment(state_folder: str, table: str, *, enabled: bool) -> Iterator[None]:
    """Has relays that start in the block keep their state there, with a table of settings on or off."""
    ours = {
        "RELAYCORE_STATE_FOLDER": state_folder,
        f"RELAYCORE_{table.upper()}__ENABLED": str(enabled).lower(),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def cost_of_visits(seconds: float) -> tuple[float, list[float]]:
    """What a relay takes of a core while sessions come and go, and the seconds that each waited for PLAY."""
    with serve(*CAMERA) as server:
        # What is done once is done.
        come_and_go(server.address, 1.0)
        before = cpu_ns(server.process.pid)
        waits = come_and_go(server.address, seconds)
        return (cpu_ns(server.process.pid) - before) / 1e9 / seconds, waits


def come_and_go(address: str, seconds: float) -> list[float]:
    """Lets sessions begin evenly spaced; gives how many seconds each waited for PLAY.

    OSError when one fails.
    """
    return asyncio.run(_come_and_go(address, seconds))


async def _come_and_go(address: str, seconds: float) -> list[float]:
    host, _, port = address.rpartition(":")
    tasks: list[asyncio.Task[float]] = []
    begin = time.monotonic()
    for number in range(int(PER_SECOND * seconds)):
        await asyncio.sleep(max(0.0, begin + number / PER_SECOND - time.monotonic()))
        tasks.append(asyncio.create_task(_one(host, int(port))))
    return await asyncio.gather(*tasks)


async def _one(host: str, port: int) -> float:
    url = f"rtsp://{host}:{port}/cam"
    reader, writer = await asyncio.open_connection(host, port)
    try:
        transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        answer = await _asked(reader, writer, f"SETUP {url}/trackID=0", f"CSeq: 1\r\n{transport}")
        session = next(line for line in answer.split("\r\n") if line.lower().startswith("session:"))
        began = time.perf_counter()
        await _asked(reader, writer, f"PLAY {url}", f"CSeq: 2\r\n{session.partition(';')[0]}\r\n")
        waited = time.perf_counter() - began
        await _asked(reader, writer, f"TEARDOWN {url}", f"CSeq: 3\r\n{session.partition(';')[0]}\r\n")
        return waited
    finally:
        writer.close()


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str, headers: str
) -> str:
    """The answer to a request, past the packets before it."""
    writer.write(f"{request} RTSP/1.0\r\n{headers}\r\n".encode())
    while (first := await reader.readexactly(1)) == b"$":
        head = await reader.readexactly(3)
        await reader.readexactly(int.from_bytes(head[1:], "big"))
    answer = (first + await reader.readuntil(b"\r\n\r\n")).decode()
    if " 200 " not in answer.partition("\r\n")[0]:
        raise OSError(f"{request} was answered with {answer}")
    return answer
