"""Looks at passwords that were sent as they are: by Basic.

Users of the account file have an Argon2id hash, which takes tens of milliseconds and 64 MiB to compare
(RFC 9106 section 4, the second recommended option). So that happens in a thread, for one password at a time,
for few that wait, and once for each password that was right: it is remembered as a keyed hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from relaycore.access.users import UserStore

__all__ = ["MOST_WAITING", "Passwords", "TooManyWait", "hash_password"]

MOST_WAITING = 16
"""Passwords that wait for a comparison or are compared, at most."""

REMEMBERED = 1024
"""Right passwords that need no second comparison, at most."""

_HASHER = PasswordHasher()


class TooManyWait(Exception):
    """There are :data:`MOST_WAITING` passwords already."""


class Passwords:
    """Compares passwords with those of the users. All methods are called from one event loop."""

    def __init__(self, users: UserStore) -> None:
        self._users = users
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turn = asyncio.Lock()
        self._waiting = 0
        # Compared where there is nothing else, so that an unknown name takes as long as a known one.
        self._nobody: str | None = None

    async def is_right(self, name: str, password: str) -> bool:
        """Whether this is the user's password. TooManyWait when that cannot be found out now."""
        if not self._users.stored:
            return self._users.password_is(name, password)
        account = self._users.account(name)
        kept = None if account is None else account.argon2
        mark = hmac.digest(self._key, f"{name}\0{kept}\0{password}".encode(), hashlib.sha256)
        if kept is not None and mark in self._right:
            self._right.move_to_end(mark)
            return True
        found = await self._compare(kept, password)
        if kept is None:
            return self._users.password_is(name, password)
        if found:
            self._right[mark] = None
            if len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return found

    async def _compare(self, kept: str | None, password: str) -> bool:
        if self._waiting >= MOST_WAITING:
            raise TooManyWait
        self._waiting += 1
        try:
            async with self._turn:
                if self._nobody is None:
                    self._nobody = await asyncio.to_thread(hash_password, secrets.token_hex(16))
                return await asyncio.to_thread(_verify, kept or self._nobody, password)
        finally:
            self._waiting -= 1


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, with its salt and parameters, as it is kept."""
    return _HASHER.hash(password)


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
