"""Groups of multicast that are sent to without a session of RTSP, for who only listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from typing import Protocol

from relaycore.errors import PathError, SourceError
from relaycore.language import Message
from relaycore.paths.backoff import Backoff

__all__ = ["GroupEngine", "SentGroups", "no_group"]

_log = logging.getLogger(__name__)


class GroupEngine(Protocol):
    """What is used of :class:`relaycore._relaycore.Engine`."""

    def hold_group(self, path: str) -> None:
        """Sends to the group of a stream without a session, until it is released or the stream ends."""

    def release_group(self, path: str) -> bool:
        """Sends to it for sessions alone again."""


def no_group(path: str) -> PathError:
    """Why a path is not sent by multicast that has no settings for it."""
    return PathError(Message("The path {path} has no group: set `multicast` for it.", path=repr(path)))


class SentGroups:
    """Keeps sending to groups, whatever becomes of their streams. All methods are called from the loop.

    Those of the paths that are ``kept`` are begun by themselves; ``prepare`` starts what feeds a path, and
    raises SourceError when it does not come in time.
    """

    def __init__(
        self, engine: GroupEngine, kept: Container[str], prepare: Callable[[str], Awaitable[None]]
    ) -> None:
        self._engine, self._kept, self._prepare = engine, kept, prepare
        self._paths: set[str] = set()
        self._resuming: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    def begin(self, path: str) -> None:
        """Sends to the group of a path from now on, or from when it has a stream.

        PathError where the path has no group, or the operating system does not send there.
        """
        try:
            self._engine.hold_group(path)
        except KeyError:
            pass  # It has no stream yet, or has it no more: see `fed`.
        except ValueError:
            raise no_group(path) from None
        except OSError as error:
            raise PathError(
                Message("The group of {path} cannot be sent to: {error}", path=repr(path), error=error)
            ) from None
        self._paths.add(path)

    def end(self, path: str) -> None:
        """Sends there for sessions alone."""
        self._give_up(path)
        if path in self._paths:
            self._paths.remove(path)
            self._engine.release_group(path)

    def fed(self, path: str) -> None:
        """A path has a stream, perhaps another one than before."""
        if path in self._paths:
            try:
                self.begin(path)
            except PathError as error:
                _log.error("a group is not sent to any more: %s", error, extra={"path": path})
                self._paths.remove(path)
                self._resume(path)

    def changed(self, path: str, *, has_group: bool) -> None:
        """A path has settings now, or another group than before, or none any more."""
        if path in self._paths:
            self._engine.release_group(path)
            self.fed(path)
        if has_group:
            self._resume(path)
        else:
            self._give_up(path)

    async def close(self) -> None:
        """Begins no more of those that are kept."""
        tasks = list(self._resuming.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _resume(self, path: str) -> None:
        """Begins what is kept and not sent."""
        if path not in self._kept or path in self._paths or path in self._resuming:
            return

        def forget(done: asyncio.Task[None]) -> None:
            if self._resuming.get(path) is done:
                del self._resuming[path]

        task = self._resuming[path] = asyncio.get_running_loop().create_task(self._until_sent(path))
        task.add_done_callback(forget)

    def _give_up(self, path: str) -> None:
        if path in self._resuming:
            self._resuming.pop(path).cancel()

    async def _until_sent(self, path: str) -> None:
        """Begins, and starts what feeds the path, again and again: networks and cameras may come late."""
        backoff, said = Backoff(), ""
        while True:
            try:
                self.begin(path)
                await self._prepare(path)
                # Where its stream could not be sent after all, `fed` has taken it out.
                if path in self._paths:
                    return
            except (PathError, SourceError) as error:
                if str(error) != said:
                    said = str(error)
                    _log.warning("a group is not sent to yet: %s", said, extra={"path": path})
            await asyncio.sleep(backoff.wait_s())
