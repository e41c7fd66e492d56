"""Media does not pass through the event loop: packets go out while Python's loop stands still."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from tests.interop.control import pictures
from tests.support.rtsp import Client, Gaps

STALL = 150
"""Pictures that have to come while the loop stands still: five seconds of them."""


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
        gaps = Gaps()
        coming = pictures(client, gaps)
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
        assert gaps.jumps == []
        assert seen == sorted(set(seen))
    commands.close()
    assert await program.wait() == 0
