"""A reader that stays for a whole test run, and knows which pictures were really sent.

On a machine that is too busy, the encoder skips pictures that are out of date before it gets to them. No
player can have those; but each that the control reader has, a player must have too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import av
import numpy as np

from relaycore.capture.strip import read_strip
from tests.support.background import Background
from tests.support.h264 import Depacketiser
from tests.support.rtsp import Client, Gaps

__all__ = ["Control", "pictures"]

LIMIT = 20.0
"""Seconds until a picture that does not come fails a test."""


async def pictures(client: Client, gaps: Gaps) -> AsyncIterator[tuple[int, int]]:
    """Frame counter, and wallclock in ms at which it was painted, of each picture that comes."""
    video = next(index for index, track in enumerate(client.tracks) if track.kind == "video")
    depacketiser = Depacketiser()
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    while True:
        packet = await client.packet()
        gaps.add(packet)
        nals = depacketiser.push(packet) if packet.track == video else None
        if nals is None:
            continue
        access_unit = b"".join(b"\0\0\0\1" + nal for nal in nals)
        for frame in decoder.decode(av.Packet(access_unit)):
            assert isinstance(frame, av.VideoFrame)
            plane = frame.planes[0]
            luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            shown = read_strip(luma[:, : plane.width])
            assert shown is not None, "the strip of a picture cannot be read"
            yield shown


class Control:
    """Reads a stream in a thread of its own, over TCP, from ``with`` to its end."""

    def __init__(self, url: str) -> None:
        self.gaps = Gaps()
        self._url = url
        self._seen: list[int] = []
        self._background = Background(self._follow())

    def __enter__(self) -> Self:
        background = self._background
        background.start()
        with background.news:
            came = background.news.wait_for(lambda: self._seen or background.failure, LIMIT)
            assert came, "no picture comes"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._background.stop()

    def between(self, first: int, last: int) -> list[int]:
        """The counters of the pictures that were sent, from one to another."""
        background = self._background
        with background.news:
            came = background.news.wait_for(lambda: background.failure or self._seen[-1] >= last, LIMIT)
            if background.failure is not None:
                raise AssertionError("the control reader failed") from background.failure
            assert came, f"picture {last} did not come, the last one is {self._seen[-1]}"
            return [counter for counter in self._seen if first <= counter <= last]

    async def _follow(self) -> None:
        async with await Client.connect(self._url) as client:
            await client.start(udp=False)
            async for counter, _ in pictures(client, self.gaps):
                with self._background.news:
                    self._seen.append(counter)
                    self._background.news.notify_all()
