"""The end of a server, in order."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.rtsp import Client
from tests.support.server import serve

BYE = 203


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
async def test_sigterm_says_goodbye_to_readers_and_ends_with_zero(udp: bool) -> None:
    with serve("--camera", "pattern") as server:
        async with await Client.connect(server.url) as client:
            await client.start(udp=udp)
            await client.packet()
            stopped = asyncio.create_task(asyncio.to_thread(server.stop))
            goodbyes: set[int] = set()
            while len(goodbyes) < len(client.tracks):
                packet = await client.rtcp()
                if BYE in packet.types:
                    goodbyes.add(packet.track)
            assert await stopped == 0
