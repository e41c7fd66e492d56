"""What is no RTSP on the port of a server that plays on."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.support.rtsp import Client, Gaps
from tests.support.server import Server

GARBAGE = {
    "random bytes": random.Random(1).randbytes(100_000),
    "zeros": bytes(100_000),
    "a line without end": b"DESCRIBE rtsp://x/" + b"a" * 1_000_000,
    "headers without end": b"OPTIONS * RTSP/1.0\r\n" + b"X: y\r\n" * 100_000,
    "a huge length": b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4294967295\r\n\r\n",
    "a negative length": b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n",
    "interleaved packets without a session": b"$\x00\xff\xff" + bytes(65_535) + b"$\x07\x00\x00" * 1000,
    "a TLS greeting": bytes.fromhex("16030100c8010000c40303") + bytes(193),
    "an unknown method": b"BREW rtsp://x/pot RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_ends_at_most_its_own_connection(server: Server, data: bytes) -> None:
    async with await Client.connect(server.url) as control:
        await control.start(udp=False)
        gaps = Gaps()
        for _ in range(10):
            gaps.add(await control.packet())
        reader, writer = await asyncio.open_connection(*server.address)
        try:
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            await reader.read()
        except OSError:  # the server has closed it
            pass
        writer.close()
        for _ in range(100):
            gaps.add(await control.packet())
        assert gaps.jumps == []
        assert (await control.request("OPTIONS")).status == 200
