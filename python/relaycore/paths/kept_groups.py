"""Which groups of multicast are sent to without a session after a restart, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Final

from relaycore.kept_file import KeptFile, with_newest

__all__ = ["GROUP_FILE", "KeptGroups"]

GROUP_FILE: Final = "multicast.json"
"""Name of the file in the state folder."""


class KeptGroups:
    """The paths whose groups somebody has begun to send to for good, until it is taken back.

    Without a folder they last as long as the relay. ``in_use`` gives the paths that have settings: others are
    the first to be forgotten. All methods are called from the loop, :meth:`open` before any other.
    """

    def __init__(self, folder: Path | None, in_use: Callable[[], Container[str]]) -> None:
        self._file = None if folder is None else KeptFile(folder / GROUP_FILE, list[str])
        self._in_use = in_use
        self._paths: dict[str, None] = {}
        self._changing = asyncio.Lock()

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    async def open(self) -> None:
        """Reads what was kept. A file that makes no sense is put aside, and there is nothing then."""
        if self._file is not None:
            self._paths = dict.fromkeys(await asyncio.to_thread(self._file.read) or ())

    async def add(self, path: str) -> None:
        """Keeps a path. StateError where that holds, but not after a restart."""
        async with self._changing:
            if path not in self._paths:
                await self._set(path, with_newest(self._paths, path, None, self._in_use))

    async def remove(self, path: str) -> None:
        """Forgets a path. StateError where that holds, but not after a restart."""
        async with self._changing:
            if path in self._paths:
                await self._set(path, (each for each in self._paths if each != path))

    async def _set(self, path: str, paths: Iterable[str]) -> None:
        self._paths = dict.fromkeys(paths)
        if self._file is not None:
            await self._file.keep(list(self._paths), path)
