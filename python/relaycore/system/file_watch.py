"""Notices that a file has another content, by looking at it once in a while.

Looking costs one system call a second, works on every file system, those of networks and containers too, and
follows editors and deployment tools that put a new file in the place of the old one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

__all__ = ["WatchedFile"]

LOOK_S = 1.0
"""Seconds between two looks."""


class WatchedFile:
    """A file as it is now: make it before the file is read, so that no change is missed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._mark()

    async def watch(self, changed: Callable[[], None], *, look_s: float = LOOK_S) -> None:
        """Calls ``changed`` whenever the file is another one than before, for ever.

        A file that is being written is waited for: it counts as changed when two looks have found the same.
        """
        before = self._known
        while True:
            await asyncio.sleep(look_s)
            now = await asyncio.to_thread(self._mark)
            if now == before != self._known:
                self._known = now
                changed()
            before = now

    def _mark(self) -> tuple[int, int, int] | None:
        """What tells one version of a file from another; ``None`` where there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
