"""The keys of bearer tokens of a relay that runs: read at its start, and anew when their file changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from relaycore.access.tokens import TokenKeys, read_keys
from relaycore.access.users import UserStore
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.tokens import TokenSettings
from relaycore.system.file_watch import LOOK_S, WatchedFile
from relaycore.system.private_files import others_may_read

__all__ = ["TokenFiles", "load_keys"]

_log = logging.getLogger(__name__)

LARGEST: Final = 1_000_000
"""Bytes of a file that are read."""


async def load_keys(settings: TokenSettings) -> TokenKeys | None:
    """The keys of these settings; ``None`` where no tokens are taken.

    ConfigurationError where there are none in the file.
    """
    return await asyncio.to_thread(_load, settings)


class TokenFiles:
    """Gives a user store the keys of tokens. All methods are called from the loop.

    ``changed`` is called when the keys are others than before.
    """

    def __init__(self, users: UserStore, changed: Callable[[], object], *, look_s: float = LOOK_S) -> None:
        self._users = users
        self._changed = changed
        self._look_s = look_s
        self._task: asyncio.Task[None] | None = None

    async def apply(self, settings: TokenSettings) -> None:
        """Takes tokens by these settings from now on. ConfigurationError where they have no keys."""
        watched = WatchedFile(Path(settings.file)) if settings.file else None
        self._users.tokens = await load_keys(settings)
        await self.close()
        if watched is not None:
            self._task = asyncio.create_task(self._follow(settings, watched))

    async def close(self) -> None:
        """Follows the file no longer."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow(self, settings: TokenSettings, file: WatchedFile) -> None:
        changes = asyncio.Event()
        watching = asyncio.create_task(file.watch(changes.set, look_s=self._look_s))
        try:
            while True:
                await changes.wait()
                changes.clear()
                try:
                    self._users.tokens = await load_keys(settings)
                except ConfigurationError as error:
                    _log.error("the keys of tokens stay as they were: %s", error)
                else:
                    _log.info("the keys of tokens are read anew")
                    self._changed()
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


def _load(settings: TokenSettings) -> TokenKeys | None:
    if not settings.file:
        return None
    path = Path(settings.file)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST)
        is_secret = b"-----BEGIN" not in data and not settings.jwks_file
        if (is_secret or b'"oct"' in data) and others_may_read(path):
            raise ConfigurationError(
                Message(
                    "access.tokens: {path} holds a secret, and others may read it: chmod 600 it.", path=path
                )
            )
    except OSError as error:
        raise ConfigurationError(
            Message("access.tokens: {path} cannot be read: {strerror}.", path=path, strerror=error.strerror)
        ) from None
    return read_keys(settings, data)
