"""The newest picture of a stream as JPEG: taken once, for all who ask within a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import av

from relaycore._relaycore import AccessUnit, Track
from relaycore.errors import PathError
from relaycore.language import Message
from relaycore.web.pictures.jpeg import (
    JpegEncoder,
    decode_jpeg,
    decode_newest,
    newest_jpeg,
    scaled_size,
    video_track,
)

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["Busy", "Still", "Stills"]

FRESH_S: Final = 0.25
"""Seconds in which a picture is given to others who ask, too."""

PATIENCE_S: Final = 5.0
"""Seconds until a stream that gives no picture to start from is given up."""

MOST_WAITING: Final = 64
"""Pictures that may wait to be decoded and encoded."""

_THREADS: Final = 2

_Result = TypeVar("_Result")


class Busy(Exception):
    """Too much waits already."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture. ``captured_ns`` is when it was taken, by the engine's clock."""

    data: bytes
    captured_ns: int


@dataclass(slots=True)
class _Taken:
    """What came out of a stream at one moment, and what was made of it by width."""

    picture: asyncio.Task[tuple[Still | av.VideoFrame, int]]
    made: dict[int | None, asyncio.Task[Still]] = field(default_factory=dict)


class Stills:
    """Pictures of the streams of one relay. All methods are called from the loop."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._taken: dict[str, _Taken] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def newest(self, path: str, width: int | None) -> Still:
        """The newest picture of a path, at most ``width`` pixels wide.

        PathError when there is no stream, EncoderError when it has no pictures or they cannot be decoded,
        TimeoutError when none came, Busy when there are too many questions of this kind.
        """
        given = self._relay.newest_jpeg(path) if width is None else None
        if given is not None:
            # Not kept: for the next who asks, a mask may hide some of it.
            return Still(*given)
        taken = self._taken.get(path)
        if taken is None:
            taken = self._taken[path] = _Taken(asyncio.create_task(self._take(path)))
            taken.picture.add_done_callback(lambda task: self._on_taken(path, task))
        # Others wait for the same: whoever leaves must not end it for them.
        await asyncio.shield(taken.picture)
        made = taken.made.get(width)
        if made is None:
            made = taken.made[width] = asyncio.create_task(self._make(taken.picture.result(), width))
            made.add_done_callback(_retrieve)
        return await asyncio.shield(made)

    async def close(self) -> None:
        """Ends what is being made."""
        tasks = [task for taken in self._taken.values() for task in (taken.picture, *taken.made.values())]
        self._taken.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def in_thread(self, work: Callable[[], _Result]) -> _Result:
        """What ``work`` gives, in one of few threads. Busy when too much waits for them."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="relaycore-pictures")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _on_taken(self, path: str, task: asyncio.Task[tuple[Still | av.VideoFrame, int]]) -> None:
        failed = task.cancelled() or task.exception() is not None
        asyncio.get_running_loop().call_later(0 if failed else FRESH_S, self._forget, path, task)

    def _forget(self, path: str, task: object) -> None:
        taken = self._taken.get(path)
        if taken is not None and taken.picture is task:
            del self._taken[path]

    async def _take(self, path: str) -> tuple[Still | av.VideoFrame, int]:
        async with asyncio.timeout(PATIENCE_S):
            track, units = await self._collect(path)
        if track.codec == "jpeg":
            unit = newest_jpeg(units)
            if unit is not None:
                return Still(unit.data, unit.captured_ns), unit.captured_ns
        return await self.in_thread(lambda: decode_newest(track, units))

    async def _collect(self, path: str) -> tuple[Track, list[AccessUnit]]:
        """What a stream has had since its newest random access point, of the track with the pictures."""
        async with self._relay.read(path) as reader:
            number = video_track(reader.tracks)
            units: list[AccessUnit] = []
            while not any(unit.random_access for unit in units):
                try:
                    came = [await anext(reader), *reader.take()]
                except StopAsyncIteration:
                    raise PathError(Message("The stream at {path} has ended.", path=repr(path))) from None
                units += [unit for unit in came if unit.track == number]
            return reader.tracks[number], units

    async def _make(self, taken: tuple[Still | av.VideoFrame, int], width: int | None) -> Still:
        picture, captured_ns = taken
        if isinstance(picture, Still) and width is None:
            return picture
        return await self.in_thread(lambda: _encode(picture, captured_ns, width))


def _encode(picture: Still | av.VideoFrame, captured_ns: int, width: int | None) -> Still:
    frame = decode_jpeg(picture.data) if isinstance(picture, Still) else picture
    size = scaled_size(frame.width, frame.height, width)
    if isinstance(picture, Still) and size == (frame.width, frame.height):
        return picture
    return Still(JpegEncoder(*size).encode(frame), captured_ns)


def _retrieve(task: asyncio.Task[Still]) -> None:
    """Whoever wanted it may be gone when it fails."""
    if not task.cancelled():
        task.exception()
