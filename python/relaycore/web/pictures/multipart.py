"""Motion JPEG over HTTP (``multipart/x-mixed-replace``): parts made once for all who watch the same.

Each part is followed by its boundary at once, since browsers show a picture when they have seen what ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from relaycore.errors import EncoderError
from relaycore.web.pictures.jpeg import JpegEncoder, decode_jpeg, newest_jpeg, scaled_size, video_track
from relaycore.web.pictures.stills import Busy, Stills

if TYPE_CHECKING:
    import av

    from relaycore.readers import AccessUnitReader
    from relaycore.relay import Relay

__all__ = ["BOUNDARY", "OPENING", "Series", "SeriesKey", "SeriesTable"]

BOUNDARY: Final = "relaycore-picture"
"""What is between the parts (RFC 2046 section 5.1.1). A JPEG cannot hold it: it has no marker in it."""

OPENING: Final = f"--{BOUNDARY}\r\n".encode()
"""What comes before the first part."""

MOST_SERIES: Final = 16
"""Series that may be made at a time, of all paths together."""

SECOND: Final = 1_000_000_000

EARLY: Final = 0.9
"""Share of the time between two pictures after which the next one may come: cameras are not exact."""


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What is watched: pictures of a path, at most ``width`` pixels wide and at most ``fps`` a second."""

    path: str
    width: int | None
    fps: float | None


class Series:
    """One series, from its making until ``stop`` or the end of the stream. All in the loop."""

    def __init__(self, key: SeriesKey, relay: Relay, stills: Stills) -> None:
        self.viewers = 0
        self._key = key
        self._relay, self._stills = relay, stills
        self._pause_ns = 0 if key.fps is None else int(EARLY * SECOND / key.fps)
        self._last_ns: int | None = None
        self._encoder: JpegEncoder | None = None
        self._newest = (0, b"")
        self._changed = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(lambda _: self._changed.set())

    async def next(self, seen: int) -> tuple[int, bytes] | None:
        """The number of the newest part, which is higher than ``seen``, and its bytes; ``None`` at the end.

        Numbers begin with 1. EncoderError or PathError when there cannot be one.
        """
        while self._newest[0] <= seen:
            if self._task.done():
                await self._task
                return None
            await self._changed.wait()
        return self._newest

    async def stop(self) -> None:
        """Ends it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        reader = self._relay.read(self._key.path)
        async with reader:
            number = video_track(reader.tracks)
            if reader.tracks[number].codec == "jpeg":
                await self._follow_jpeg(reader, number)
                return
        async with self._relay.frames(self._key.path) as frames:
            async for frame in frames:
                taken_ns = int((frame.pts or 0) * (frame.time_base or Fraction(0)) * SECOND)
                if self._is_due(taken_ns):
                    await self._put_encoded(frame)

    async def _follow_jpeg(self, reader: AccessUnitReader, number: int) -> None:
        async for unit in reader:
            # What came while the last one was encoded is too old already.
            whole = newest_jpeg([each for each in (unit, *reader.take()) if each.track == number])
            if whole is None or not self._is_due(whole.captured_ns):
                continue
            if self._key.width is None:
                self._put(whole.data)
            else:
                await self._put_encoded(whole.data)

    async def _put_encoded(self, picture: av.VideoFrame | bytes) -> None:
        try:
            self._put(await self._stills.in_thread(lambda: self._encode(picture)))
        except (Busy, EncoderError):
            return  # this picture is left out; the next comes soon

    def _encode(self, picture: av.VideoFrame | bytes) -> bytes:
        frame = decode_jpeg(picture) if isinstance(picture, bytes) else picture
        size = scaled_size(frame.width, frame.height, self._key.width)
        if isinstance(picture, bytes) and size == (frame.width, frame.height):
            return picture
        if self._encoder is None or self._encoder.size != size:
            self._encoder = JpegEncoder(*size)
        return self._encoder.encode(frame)

    def _is_due(self, taken_ns: int) -> bool:
        if self._last_ns is not None and 0 <= taken_ns - self._last_ns < self._pause_ns:
            return False
        self._last_ns = taken_ns
        return True

    def _put(self, jpeg: bytes) -> None:
        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        self._newest = (self._newest[0] + 1, head + jpeg + b"\r\n" + OPENING)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class SeriesTable:
    """The series of one relay, each made while somebody watches. All methods are called from the loop."""

    def __init__(self, relay: Relay, stills: Stills) -> None:
        self._relay, self._stills = relay, stills
        self._series: dict[SeriesKey, Series] = {}

    def __len__(self) -> int:
        return len(self._series)

    @asynccontextmanager
    async def watched(self, key: SeriesKey) -> AsyncIterator[Series]:
        """A series for one more viewer. Busy when there are too many already."""
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MOST_SERIES:
                raise Busy
            series = self._series[key] = Series(key, self._relay, self._stills)
        series.viewers += 1
        try:
            yield series
        finally:
            series.viewers -= 1
            if series.viewers == 0 and self._series.get(key) is series:
                del self._series[key]
                await series.stop()

    async def close(self) -> None:
        """Ends all of them; their viewers are told."""
        series, self._series = list(self._series.values()), {}
        await asyncio.gather(*(each.stop() for each in series))
