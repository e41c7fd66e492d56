"""Follows the account file while a relay runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from relaycore.access.accounts import AccountFile
from relaycore.access.sealed import SEAL_FILE, Seal, seal_file
from relaycore.access.share_file import ShareFile
from relaycore.access.users import Account, UserStore
from relaycore.errors import StateError

__all__ = ["AccountWatch"]

_log = logging.getLogger(__name__)

LOOK_S = 0.2
"""Seconds between two looks. One reads a counter in shared memory."""


class AccountWatch:
    """Keeps the users and the share links of the account file in a user store.

    ``changed`` is called after each change, with the names of those who are gone or have another password or
    fewer rights, or with ``None`` where share links were added and nothing else is different. A file that
    cannot be read is told once, and all stays as it was. All methods are called from the loop.
    """

    def __init__(self, folder: Path, users: UserStore, changed: Callable[[set[str] | None], object]) -> None:
        self._file = AccountFile(folder)
        self._links = ShareFile(folder)
        self._seal = seal_file(folder)
        self._users = users
        self._changed = changed
        self._version = -1
        self._mark: tuple[int, ...] | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Reads the file and begins to follow it. StateError when it cannot be read."""
        try:
            await self._look()
        except BaseException:
            self._close_files()
            raise
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Follows it no longer."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._close_files()

    async def _follow(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                has_changed, gone = await self._look()
            except StateError as error:
                if str(error) != told:
                    told = str(error)
                    _log.error("users and share links stay as they were: %s", told)
                continue
            told = ""
            if has_changed:
                _log.info("the users or share links of the account file have changed")
                self._changed(gone)

    async def _look(self) -> tuple[bool, set[str] | None]:
        """Reads the file when it has changed: whether it has, and the names as ``changed`` gets them."""
        version, mark = await asyncio.shield(asyncio.to_thread(self._versions))
        if version == self._version:
            if mark != self._mark:
                await self._use_seal(self._users.stored, mark)
            return False, None
        accounts = await asyncio.shield(asyncio.to_thread(self._file.all))
        links = await asyncio.shield(asyncio.to_thread(self._links.all))
        key = await asyncio.shield(asyncio.to_thread(self._links.key)) if links else None
        await self._use_seal(accounts, mark)
        self._version = version
        if key is not None:
            self._users.links.use_key(key)
        before = self._users.stored
        gone = self._users.replace_stored(accounts) | self._users.links.replace(links)
        return True, gone if gone or self._users.stored != before else None

    def _versions(self) -> tuple[int, tuple[int, ...] | None]:
        """What differs after a change of the account file, and of the key of its passwords."""
        return self._file.version(), self._seal.mark()

    async def _use_seal(self, accounts: Iterable[Account], mark: tuple[int, ...] | None) -> None:
        """Opens with the key as it is now what is kept of these users."""
        sealed = any(account.sealed is not None for account in accounts)
        self._users.use_seal(await asyncio.shield(asyncio.to_thread(self._open_seal)) if sealed else None)
        self._mark = mark

    def _open_seal(self) -> Seal | None:
        """What opens the passwords. Without it these users still come in by everything else than ONVIF's."""
        try:
            key = self._seal.read()
        except StateError as error:
            _log.error("passwords that are kept for ONVIF cannot be read: %s", error)
            return None
        if key is None:
            _log.error(
                "passwords that are kept for ONVIF cannot be read, since their key %s is gone: put it back, "
                "or give these users their passwords anew, by relaycore user password NAME",
                SEAL_FILE,
            )
            return None
        return Seal(key)

    def _close_files(self) -> None:
        self._file.close()
        self._links.close()
