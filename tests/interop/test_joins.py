"""Readers that come and go do not disturb the one that stays."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.support.h264 import IDR, SPS, Depacketiser, nal_type
from tests.support.rtsp import Client, Gaps
from tests.support.server import Server

JOINS = 100


async def follow(client: Client, gaps: Gaps) -> None:
    """Read until the task is cancelled."""
    while True:
        gaps.add(await client.packet())


async def join_and_leave(url: str, *, udp: bool, politely: bool) -> None:
    """Join, take the first access unit of the video, which has to be decodable by itself, and leave."""
    async with await Client.connect(url) as client:
        await client.start(udp=udp)
        video = next(index for index, track in enumerate(client.tracks) if track.kind == "video")
        depacketiser = Depacketiser()
        nals: list[bytes] | None = None
        while nals is None:
            packet = await client.packet()
            if packet.track == video:
                nals = depacketiser.push(packet)
        assert {SPS, IDR} <= {nal_type(nal) for nal in nals}
        if politely:
            await client.tear_down()


@pytest.mark.timeout(120)
async def test_a_hundred_joins_and_leaves_lose_nothing_for_a_reader_that_stays(server: Server) -> None:
    controls = [await Client.connect(server.url) for _ in range(2)]
    gaps = [Gaps() for _ in controls]
    for control, udp in zip(controls, (False, True), strict=True):
        await control.start(udp=udp)
    following = [
        asyncio.create_task(follow(control, seen)) for control, seen in zip(controls, gaps, strict=True)
    ]
    for batch in range(0, JOINS, 10):
        await asyncio.gather(
            *(
                join_and_leave(server.url, udp=index % 2 == 0, politely=index % 3 != 0)
                for index in range(batch, batch + 10)
            )
        )
    for task in following:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    for control, seen in zip(controls, gaps, strict=True):
        for _ in range(JOINS):
            seen.add(await control.packet())
        await control.close()
    assert [seen.jumps for seen in gaps] == [[], []]


async def test_a_reader_that_is_killed_disturbs_nobody(server: Server) -> None:
    async with await Client.connect(server.url) as control:
        await control.start(udp=False)
        gaps = Gaps()
        player = await asyncio.create_subprocess_exec(
            *["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", server.url, "-f", "rawvideo", "-"],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert player.stdout is not None
        # It plays: its first decoded picture is there.
        playing = asyncio.create_task(player.stdout.readexactly(640 * 360))
        while not playing.done():
            gaps.add(await control.packet())
        player.kill()
        await player.communicate()
        assert player.returncode == -signal.SIGKILL
        for _ in range(500):
            gaps.add(await control.packet())
        assert gaps.jumps == []
