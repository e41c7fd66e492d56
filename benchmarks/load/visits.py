"""Readers over TCP that come, play and leave at once, for what sessions cost."""

from __future__ import annotations

import asyncio
import time
from typing import Final

__all__ = ["CAMERA", "PER_SECOND", "come_and_go"]

PER_SECOND: Final = 200
"""Sessions that begin and end in each second."""

CAMERA: Final = ("--camera", "pattern", "--size", "160x120", "--fps", "10", "--microphone", "none")
"""Options of a relay whose stream ``cam`` costs little, so that what sessions cost stands out."""


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
