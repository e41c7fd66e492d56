"""Which groups of multicast are sent to without a session after a restart, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
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
        self._writing = asyncio.Lock()

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    async def open(self) -> None:
        """Reads what was kept. A file that makes no sense is put aside, and there is nothing then."""
        if self._file is not None:
            self._paths = dict.fromkeys(await asyncio.to_thread(self._file.read) or ())

    async def add(self, path: str) -> None:
        """Keeps a path. StateError where that holds, but not after a restart."""
        if path not in self._paths:
            self._paths = with_newest(self._paths, path, None, self._in_use)
        await self._write(path)

    async def remove(self, path: str) -> None:
        """Forgets a path. StateError where that holds, but not after a restart."""
        self._paths.pop(path, None)
        await self._write(path)

    async def _write(self, path: str) -> None:
        if self._file is not None:
            async with self._writing:
                await self._file.keep(list(self._paths), path)
