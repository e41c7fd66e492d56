"""Media does not pass through the event loop: packets go out while Python's loop stands still."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest

from tests.interop.checks import strip_of
from tests.support.h264 import Depacketiser
from tests.support.rtsp import Client

STALL = 150
"""Pictures that have to come while the loop stands still: five seconds of them."""


async def pictures(client: Client) -> AsyncIterator[tuple[int, int]]:
    """Frame counter, and wallclock in ms at which it was painted, of each picture that comes."""
    video = next(index for index, track in enumerate(client.tracks) if track.kind == "video")
    depacketiser = Depacketiser()
    decoder = av.CodecContext.create("h264", "r")
    decoder.flags |= av.codec.context.Flags.low_delay
    while True:
        packet = await client.packet()
        nals = depacketiser.push(packet) if packet.track == video else None
        if nals is not None:
            access_unit = b"".join(b"\0\0\0\1" + nal for nal in nals)
            for frame in decoder.decode(av.Packet(access_unit)):
                assert isinstance(frame, av.VideoFrame)
                yield strip_of(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
async def test_a_stalled_event_loop_delays_no_picture(udp: bool) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).with_name("stalled_relay.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    commands, said = program.stdin, program.stdout
    assert commands is not None
    assert said is not None
    async with await Client.connect((await said.readline()).decode().strip()) as client:
        await client.start(udp=udp)
        coming = pictures(client)
        await anext(coming)
        commands.write(b"stall\n")
        assert await said.readline() == b"stalled\n"
        since = time.time() * 1000
        seen: list[int] = []
        while len(seen) < STALL:
            counter, painted = await anext(coming)
            # What was on its way already does not count.
            if painted > since:
                seen.append(counter)
        commands.write(b"go on\n")
        # It says so only now: the loop stood still all along.
        assert await said.readline() == b"running\n"
        assert seen == list(range(seen[0], seen[0] + STALL))
    await program.communicate()
    assert program.returncode == 0
