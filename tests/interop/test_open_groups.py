"""Readers of open groups of pictures, as encoders make them: what they cannot decode is no loss."""

from __future__ import annotations

import asyncio

import pytest

from relaycore import Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Outcome
from relaycore.doctor.rules import rtp
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.interop.test_published_formats import ffmpeg, published
from tests.support.rtsp import Client, Gaps

GROUP = 10
"""Pictures from one random access point to the next, of which up to three lead the next one."""

PICTURES = "-re -f lavfi -i testsrc2=size=320x240:rate=25"

SHAPE = f"open-gop=1:bframes=3:b-adapt=0:keyint={GROUP}:min-keyint={GROUP}:scenecut=0"

PUBLISHED = {
    "h264": f"{PICTURES} -c:v libx264 -preset ultrafast -x264-params {SHAPE}",
    "h265": f"{PICTURES} -c:v libx265 -preset ultrafast -x265-params log-level=error:{SHAPE}",
}

STEP = 7
"""Pictures between two readers that join: each joins at another place of a group."""


async def follow(client: Client, gaps: Gaps, pictures: int) -> None:
    """Take the packets of so many pictures."""
    while pictures:
        packet = await client.packet()
        gaps.add(packet)
        pictures -= packet.marker


async def join(url: str, *, udp: bool) -> None:
    """Join, and take two groups: from the packet on that the answer names, no number is missing."""
    async with await Client.connect(url) as client:
        await client.start(udp=udp)
        assert client.play_response is not None
        first, gaps = await client.packet(), Gaps()
        named = client.play_response.headers["rtp-info"]
        assert f"seq={first.sequence};rtptime={first.timestamp}" in named
        gaps.add(first)
        await follow(client, gaps, 2 * GROUP)
        assert gaps.jumps == []


@pytest.mark.parametrize("codec", PUBLISHED)
async def test_numbers_do_not_jump_for_who_joins_anywhere_in_an_open_group(codec: str) -> None:
    async with Relay(port=0) as relay:
        url = relay.urls("live")[0]
        async with published(relay, ffmpeg(PUBLISHED[codec], url)), await Client.connect(url) as control:
            await control.start(udp=False)
            seen = Gaps()
            # Nothing leads the first group.
            await follow(control, seen, GROUP)
            async with asyncio.TaskGroup() as readers:
                for number in range(GROUP):
                    await follow(control, seen, STEP)
                    readers.create_task(join(url, udp=number % 2 == 1))
            findings = await examine(Visit(Target.parse(url), None, duration=2.0), rtp.RULES)
    assert seen.jumps == []
    assert [one for one in findings if one.outcome is Outcome.FAILS] == []
    assert {"rtp-sequence", "rtp-first-packet"} <= {
        one.rule.id for one in findings if one.outcome is Outcome.HOLDS
    }
