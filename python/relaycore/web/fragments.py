"""The fragments of the paths of a relay, each made once for all ways that they go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Final

from relaycore.web.hls.stream import FragmentSource
from relaycore.web.hls.timeline import Fragment

__all__ = ["SharedFragments"]

MOST_WAITING: Final = 512
"""Fragments that wait for one who takes them at most; then no more are made, which has a bound of its own."""

MOST_KEPT_BYTES: Final = 32 << 20
"""Bytes of a group of pictures that are kept for whoever comes; of a larger one nothing is."""

_End = Exception | None
"""Why there are no more: ``None`` when the stream has ended."""


class SharedFragments:
    """Those of each path, made from when the first one takes them until the last one has left.

    ``open_source`` gives the fragments of a path; PathError when there is no stream. Whoever comes later
    begins where a decoder can. All methods are called from the loop.
    """

    def __init__(self, open_source: Callable[[str], FragmentSource]) -> None:
        self._open_source = open_source
        self._makings: dict[str, _Making] = {}

    def __len__(self) -> int:
        """For how many paths fragments are being made."""
        return sum(making.is_running for making in self._makings.values())

    def open(self, path: str) -> FragmentSource:
        """The fragments of a path. RelaycoreError when there are none."""
        making = self._makings.get(path)
        if making is None or making.has_ended:
            making = self._makings[path] = _Making(self._open_source(path), lambda: self._forget(path))
        return _Share(making)

    def _forget(self, path: str) -> None:
        if path in self._makings and self._makings[path].has_ended:
            del self._makings[path]


class _Making:
    """The fragments of one path while somebody takes them. Once nobody does it has ended."""

    def __init__(self, source: FragmentSource, forget: Callable[[], None]) -> None:
        self.source: Final = source
        self.has_ended = False
        self._forget = forget
        self._task: asyncio.Task[None] | None = None
        self._queues: set[asyncio.Queue[Fragment | _End]] = set()
        self._kept: list[Fragment] = []
        self._kept_bytes = 0
        self._header: bytes | None = None
        self._end: _End = None

    @property
    def is_running(self) -> bool:
        """Whether fragments are being made."""
        return self._task is not None and not self.has_ended

    async def take(self) -> AsyncGenerator[Fragment, None]:
        """All there are from the newest random access point on, the first one with its header."""
        if self.has_ended:
            # It was opened, and all others have left before it began.
            if self._end is not None:
                raise self._end
            return
        queue: asyncio.Queue[Fragment | _End] = asyncio.Queue(MOST_WAITING)
        kept = self._kept.copy()
        if kept:
            kept[0] = replace(kept[0], init=self._header)
        self._queues.add(queue)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        begun = bool(kept)
        try:
            for fragment in kept:
                yield fragment
            while isinstance(item := await queue.get(), Fragment):
                if not begun:
                    if not (item.leads and item.independent):
                        continue
                    begun, item = True, replace(item, init=item.init or self._header)
                yield item
            if item is not None:
                raise item
        finally:
            self._queues.discard(queue)
            while not queue.empty():
                # Making may wait for room in it.
                queue.get_nowait()
            if not self._queues:
                await self._stop()

    async def _stop(self) -> None:
        self.has_ended = True
        self._forget()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            async with contextlib.aclosing(self.source.fragments()) as fragments:
                async for fragment in fragments:
                    self._keep(fragment)
                    await self._give(fragment)
        except Exception as error:
            self._end = error
        finally:
            # Whoever opens this path from here on begins anew.
            self.has_ended = True
            self._forget()
        await self._give(self._end)

    async def _give(self, item: Fragment | _End) -> None:
        for queue in list(self._queues):
            await queue.put(item)

    def _keep(self, fragment: Fragment) -> None:
        """Keeps what came since the newest random access point."""
        if fragment.init is not None:
            self._header = fragment.init
        if fragment.leads and fragment.independent:
            self._kept, self._kept_bytes = [], 0
        elif not self._kept:
            return
        self._kept.append(fragment)
        self._kept_bytes += len(fragment.data)
        if self._kept_bytes > MOST_KEPT_BYTES:
            self._kept, self._kept_bytes = [], 0


class _Share(FragmentSource):
    """What one of those gets who take the same fragments."""

    def __init__(self, making: _Making) -> None:
        self._making = making

    @property
    def codecs(self) -> str:  # type: ignore[override]
        """What RFC 6381 calls them."""
        return self._making.source.codecs

    @property
    def size(self) -> tuple[int, int] | None:  # type: ignore[override]
        """Width and height of the pictures."""
        return self._making.source.size

    def fragments(self) -> AsyncGenerator[Fragment, None]:
        """All there are from the newest random access point on."""
        return self._making.take()
