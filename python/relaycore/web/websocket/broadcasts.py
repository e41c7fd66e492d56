"""The fragments of paths, made once for all who watch by WebSocket, and written to them by the engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from relaycore._relaycore import Engine, Rendition
from relaycore.errors import PathError, RelaycoreError
from relaycore.language import Message
from relaycore.web.hls.stream import FragmentSource
from relaycore.web.viewing import Visit

__all__ = ["Broadcast", "Broadcasts"]

_log = logging.getLogger(__name__)

KEPT_S: Final = 5.0
"""Seconds without viewers after which nothing is made any more."""


class Broadcast:
    """The fragments of one stream on their way to its viewers. In the loop."""

    def __init__(self, path: str, source: FragmentSource, rendition: Rendition) -> None:
        self.path = path
        self.rendition: Final = rendition
        self.users = 0
        """How many watch, or are about to."""
        self.left_at = asyncio.get_running_loop().time()
        """When the last one left."""
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the first fragment is there; RelaycoreError when there will be none."""
        self._source = source
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self._task.done()

    async def stop(self) -> None:
        """Ends it; viewers are told."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        failure: BaseException = PathError(Message("The stream at {path} has ended.", path=repr(self.path)))
        try:
            async with contextlib.aclosing(self._source.fragments()) as fragments:
                async for fragment in fragments:
                    if fragment.init is not None:
                        self.rendition.set_header(fragment.init)
                    self.rendition.push(fragment.data, fragment.independent and fragment.leads)
                    if not self.begun.done():
                        self.begun.set_result(None)
        except RelaycoreError as error:
            failure = error
        except Exception:
            _log.exception("making fragments failed", extra={"path": self.path})
        finally:
            self.rendition.close()
            if not self.begun.done():
                self.begun.set_exception(failure)
                # Nobody may be there to hear of it.
                self.begun.exception()


class Broadcasts:
    """Those of one relay by path. All methods are called from the loop.

    ``open_source`` gives the fragments of a path; PathError when there is no stream.
    """

    def __init__(self, engine: Engine, open_source: Callable[[str], FragmentSource]) -> None:
        self._engine = engine
        self._open_source = open_source
        self._broadcasts: dict[str, Broadcast] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._watching: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._broadcasts)

    def hold(self, path: str) -> Broadcast:
        """The broadcast of a path, which goes on until :meth:`release`; it may end before.

        RelaycoreError when it cannot be made.
        """
        broadcast = self._broadcasts.get(path)
        if broadcast is None or broadcast.has_ended:
            rendition = self._engine.add_rendition("websocket")
            broadcast = Broadcast(path, self._open_source(path), rendition)
            self._broadcasts[path] = broadcast
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep())
        broadcast.users += 1
        return broadcast

    def release(self, broadcast: Broadcast) -> None:
        """Somebody who held a broadcast does so no more."""
        broadcast.users -= 1
        broadcast.left_at = asyncio.get_running_loop().time()

    def keep(self, broadcast: Broadcast, visit: Visit) -> None:
        """Holds a broadcast, which is held for this visit already, until that has ended.

        The visit is kept, too: the request that it came with is over.
        """
        task = asyncio.get_running_loop().create_task(self._until_ended(broadcast, visit))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _until_ended(self, broadcast: Broadcast, visit: Visit) -> None:
        try:
            await visit.ended.wait()
        finally:
            visit.end()
            self.release(broadcast)

    async def close(self) -> None:
        """Ends all of them."""
        broadcasts, self._broadcasts = list(self._broadcasts.values()), {}
        tasks = [broadcast.stop() for broadcast in broadcasts]
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
            self._sweeping = None
        await asyncio.gather(*tasks)
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)

    async def _sweep(self) -> None:
        """Ends those that nobody watches any more, until there are none."""
        while self._broadcasts:
            await asyncio.sleep(KEPT_S / 5)
            until = asyncio.get_running_loop().time() - KEPT_S
            for path, broadcast in list(self._broadcasts.items()):
                if broadcast.has_ended or (broadcast.users == 0 and broadcast.left_at < until):
                    del self._broadcasts[path]
                    await broadcast.stop()
