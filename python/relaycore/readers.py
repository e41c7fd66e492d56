"""Reading streams from Python: access units as they are, or decoded pictures."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from fractions import Fraction
from types import TracebackType
from typing import Self

import av

from relaycore._relaycore import AccessUnit, Reader, Track
from relaycore.decoding import can_decode, open_video_decoder
from relaycore.errors import EncoderError
from relaycore.language import Message
from relaycore.unit_pump import UnitPump, since_random_access

__all__ = ["AccessUnitReader", "FrameReader"]

_log = logging.getLogger(__name__)

BACKLOG = 8
"""Access units that may wait for the decoder before it skips to the newest random access point."""


class AccessUnitReader:
    """The access units of a stream: ``async for access_unit in relay.read("cam")``.

    The iteration ends when the stream does. Leaving the loop early keeps the reader; it is closed by
    ``aclose()``, by leaving ``async with``, or with its last reference. A program that is too slow misses
    whole groups of pictures, which ``discarded`` counts; nobody else notices.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._queue: deque[AccessUnit] = deque()
        self._ready = asyncio.Event()
        self._closed = False

    @property
    def tracks(self) -> list[Track]:
        """The tracks; ``AccessUnit.track`` counts in this list."""
        return self._reader.tracks

    @property
    def discarded(self) -> int:
        """Access units that this reader was too slow for."""
        return self._reader.discarded

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AccessUnit:
        while not self._queue:
            # Cleared before looking: what comes after the look sets it again.
            self._ready.clear()
            if self._closed:
                raise StopAsyncIteration
            ended = self._reader.ended
            self._queue.extend(self._reader.take())
            if self._queue:
                break
            if ended:
                raise StopAsyncIteration
            await self._ready.wait()
        return self._queue.popleft()

    def take(self) -> list[AccessUnit]:
        """What is there now, the oldest first; never waits."""
        taken = list(self._queue)
        self._queue.clear()
        while not self._closed and (more := self._reader.take()):
            taken += more
        return taken

    def wake(self) -> None:
        """There is something to take. Only the relay calls this."""
        self._ready.set()

    async def aclose(self) -> None:
        """Stops reading."""
        self._closed = True
        self._queue.clear()
        self._reader.close()
        self._ready.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class FrameReader:
    """The decoded pictures of a stream: ``async for frame in relay.frames("cam")``.

    A thread decodes. The newest picture wins: a program that is slower than the camera gets fewer pictures
    and never an old one, and ``discarded`` counts those that it did not get. ``frame.pts`` and
    ``frame.time_base`` are the media time of the stream.
    """

    def __init__(self, reader: Reader) -> None:
        self._ready = asyncio.Event()
        self._decoding = _Decoding(reader, asyncio.get_running_loop(), self._ready)
        self._decoding.start()

    @property
    def discarded(self) -> int:
        """Pictures that were not decoded, or were decoded and replaced by a newer one."""
        return self._decoding.discarded

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> av.VideoFrame:
        while True:
            self._ready.clear()
            ended = self._decoding.ended
            frame = self._decoding.take()
            if frame is not None:
                return frame
            if ended:
                raise StopAsyncIteration
            await self._ready.wait()

    def wake(self) -> None:
        """There is something to decode. Only the relay calls this."""
        self._decoding.wake()

    async def aclose(self) -> None:
        """Stops reading and decoding."""
        self._decoding.stop()
        await asyncio.to_thread(self._decoding.join)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        decoding = getattr(self, "_decoding", None)
        if decoding is not None:
            decoding.stop()


class _Decoding:
    """The thread of a :class:`FrameReader`, which it must not refer to: it would live for ever."""

    def __init__(self, reader: Reader, loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
        self.ended = False
        self._pump = UnitPump(reader)
        self._loop = loop
        self._ready = ready
        self._lock = threading.Lock()
        self._newest: av.VideoFrame | None = None
        self._replaced = 0
        self._skipped = 0
        videos = [
            number
            for number, track in enumerate(reader.tracks)
            if track.kind == "video" and can_decode(track)
        ]
        if not videos:
            raise EncoderError(
                Message("The stream has no video that can be decoded: read its access units instead.")
            )
        self._track = videos[0]
        self._thread = threading.Thread(target=self._run, name="relaycore-decode", daemon=True)

    @property
    def discarded(self) -> int:
        return self._replaced + self._skipped + self._pump.discarded

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._pump.wake()

    def stop(self) -> None:
        self._pump.stop()

    def join(self) -> None:
        self._thread.join()

    def take(self) -> av.VideoFrame | None:
        with self._lock:
            frame, self._newest = self._newest, None
        return frame

    def _run(self) -> None:
        try:
            self._decode_all()
        except Exception:
            _log.exception("decoding ended")
        finally:
            self._pump.close()
            self.ended = True
            self._tell()

    def _decode_all(self) -> None:
        track = self._pump.tracks[self._track]
        decoder = open_video_decoder(track)
        time_base = Fraction(1, track.clock_rate)
        started = False
        for batch in self._pump.batches():
            units, skipped = since_random_access(batch, self._track, BACKLOG)
            self._skipped += skipped
            for unit in units:
                if unit.track != self._track or self._pump.stopping:
                    continue
                started = started or unit.random_access
                if not started:
                    continue
                packet = av.Packet(unit.data)
                packet.pts = packet.dts = unit.pts
                packet.time_base = time_base
                try:
                    frames = decoder.decode(packet)
                except av.error.InvalidDataError:
                    self._skipped += 1
                    continue
                for frame in frames:
                    frame.time_base = time_base
                    self._offer(frame)

    def _offer(self, frame: av.VideoFrame) -> None:
        with self._lock:
            self._replaced += self._newest is not None
            self._newest = frame
        self._tell()

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:
            self._pump.stop()  # the loop is closed: nobody takes pictures any more
