"""The timelines of the streams that somebody watches, each made once for all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final

from relaycore.errors import RelaycoreError
from relaycore.web.hls.timeline import Fragment, Timeline

__all__ = ["FragmentSource", "HlsStream", "HlsStreams"]

_log = logging.getLogger(__name__)

KEPT_S: Final = 15.0
"""Seconds without a question after which a timeline is forgotten."""


class FragmentSource:
    """The fragments of one stream, from a random access point to its end.

    ``codecs`` are what RFC 6381 calls them, as far as that is known when the first fragment is there, and
    ``size`` is width and height of the pictures.
    """

    codecs: str = ""
    size: tuple[int, int] | None = None

    def fragments(self) -> AsyncGenerator[Fragment, None]:
        """All there are."""
        raise NotImplementedError


class HlsStream:
    """The timeline of one stream, fed until ``stop``, or until the stream ends. In the loop."""

    def __init__(self, path: str, source: FragmentSource) -> None:
        self.path = path
        self.source = source
        # Nobody who knew an earlier timeline of this path takes a new segment for an old one.
        self.timeline = Timeline(int(time.time()))
        self.asked = asyncio.get_running_loop().time()
        self._changed = asyncio.Event()
        self._failure: RelaycoreError | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so, or the stream has ended. RelaycoreError when it failed."""
        while not condition() and not self.timeline.ended:
            await self._changed.wait()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """Ends it; whoever waits is told."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        version = self.timeline.version
        try:
            async with contextlib.aclosing(self.source.fragments()) as fragments:
                async for fragment in fragments:
                    self.timeline.push(fragment)
                    if self.timeline.version != version:
                        version = self.timeline.version
                        self._tell()
        except RelaycoreError as error:
            self._failure = error
        except Exception:
            _log.exception("making segments failed", extra={"path": self.path})
        finally:
            self.timeline.end()
            self._tell()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class HlsStreams:
    """The timelines of one relay by path. All methods are called from the loop.

    ``open_source`` gives the fragments of a path; PathError when there is no stream.
    """

    def __init__(self, open_source: Callable[[str], FragmentSource]) -> None:
        self._open_source = open_source
        self._streams: dict[str, HlsStream] = {}
        self._endings: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._streams)

    def get(self, path: str) -> HlsStream:
        """The timeline of a path, which is begun where there is none. RelaycoreError when it cannot be."""
        stream = self._streams.get(path)
        if stream is None or stream.timeline.ended:
            if stream is not None:
                self._end(stream)
            stream = self._streams[path] = HlsStream(path, self._open_source(path))
            self._look_later(stream, KEPT_S)
        stream.asked = asyncio.get_running_loop().time()
        return stream

    def known(self, path: str) -> HlsStream | None:
        """The timeline of a path, also one that has ended; ``None`` where there is none."""
        stream = self._streams.get(path)
        if stream is not None:
            stream.asked = asyncio.get_running_loop().time()
        return stream

    async def close(self) -> None:
        """Ends all of them."""
        streams, self._streams = list(self._streams.values()), {}
        await asyncio.gather(*(stream.stop() for stream in streams), *self._endings)

    def _look_later(self, stream: HlsStream, delay: float) -> None:
        asyncio.get_running_loop().call_later(delay, self._look, stream)

    def _look(self, stream: HlsStream) -> None:
        if self._streams.get(stream.path) is not stream:
            return
        left = stream.asked + KEPT_S - asyncio.get_running_loop().time()
        if left > 0:
            self._look_later(stream, left)
        else:
            del self._streams[stream.path]
            self._end(stream)

    def _end(self, stream: HlsStream) -> None:
        task = asyncio.get_running_loop().create_task(stream.stop())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
