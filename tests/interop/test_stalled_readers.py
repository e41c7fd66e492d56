"""Players that stop in the middle of a stream, beside a reader that takes all."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from relaycore import Config, Relay
from relaycore.events import StreamAdded
from tests.support.events import of_kind
from tests.support.rtsp import Client, Gaps

STALLED = 20
LIMIT = 90.0

DISCARDED = 200
"""RTP packets that each stalled player has lost when the good reader counts as unharmed."""

PUBLISHER = (
    "ffmpeg -v error -nostdin -re -f lavfi -i testsrc2=size=640x360:rate=25 -c:v libx264 -preset ultrafast "
    "-tune zerolatency -g 25 -b:v 8M -maxrate 8M -bufsize 2M -x264-params nal-hrd=cbr -f rtsp "
    "-rtsp_transport tcp {url}"
)
"""Much data, so that the sockets of those that stop are soon full."""

PLAYER = "ffmpeg -v error -nostdin -rtsp_transport tcp -i {url} -c copy -f mpegts pipe:1"


async def test_twenty_stalled_players_cost_a_good_reader_no_packet() -> None:
    config = Config(port=0, limits={"reader_age_ms": 500})
    async with asyncio.timeout(LIMIT), Relay(config) as relay, AsyncExitStack() as running:
        url = relay.urls("live")[0]
        events = relay.events()
        running.enter_context(program(PUBLISHER.format(url=url)))
        await of_kind(events, StreamAdded)
        for _ in range(STALLED):
            player = running.enter_context(program(PLAYER.format(url=url)))
            assert player.stdout is not None
            assert await asyncio.to_thread(player.stdout.read, 1)
            player.send_signal(signal.SIGSTOP)
        good = await running.enter_async_context(await Client.connect(url))
        await good.start(udp=False)
        gaps = Gaps()
        while True:
            gaps.add(await good.packet())
            if sum(session.discarded >= DISCARDED for session in relay.sessions()) == STALLED:
                break
        assert gaps.jumps == []
        assert gaps.packets >= DISCARDED


@contextmanager
def program(command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program, killed at the end of the block."""
    with subprocess.Popen(command.split(), stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()
