"""Logins of browsers: who has shown who they are, and goes on by a cookie.

A login is 32 random bytes. Only their hash is kept, in memory: a relay that starts again asks everybody anew.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from relaycore.access.identity import Identity

__all__ = ["Logins"]

MOST: Final = 10_000
"""Logins at a time. When there are more, the oldest is forgotten."""

MOST_OF_ONE: Final = 64
"""Logins of one person at a time, likewise."""

_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class _Login:
    who: Identity
    ends: float


class Logins:
    """The logins of one relay. ``clock`` gives seconds of Unix time.

    All methods are called from one thread.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._logins: OrderedDict[bytes, _Login] = OrderedDict()

    def __len__(self) -> int:
        return len(self._logins)

    def begin(self, who: Identity, seconds: float) -> tuple[str, float]:
        """Begins one, which lasts so long; what the cookie holds, and when it ends."""
        token = secrets.token_urlsafe(_BYTES)
        ends = min(self._clock() + seconds, who.ends)
        same = [mark for mark, login in self._logins.items() if login.who.name == who.name]
        for mark in same[: max(0, len(same) - MOST_OF_ONE + 1)]:
            del self._logins[mark]
        self._logins[_mark(token)] = _Login(who, ends)
        if len(self._logins) > MOST:
            self._logins.popitem(last=False)
        return token, ends

    def identity(self, token: str | None) -> Identity | None:
        """Who it is, by what a cookie holds; ``None`` where that is no login (any more)."""
        mark = b"" if token is None else _mark(token)
        login = self._logins.get(mark)
        if login is None:
            return None
        if login.ends <= self._clock():
            del self._logins[mark]
            return None
        return login.who

    def end(self, token: str) -> Identity | None:
        """Ends one; gives whose it was."""
        login = self._logins.pop(_mark(token), None)
        return None if login is None else login.who

    def end_of(self, names: Collection[str]) -> None:
        """Ends all logins of these people."""
        for mark in [mark for mark, login in self._logins.items() if login.who.name in names]:
            del self._logins[mark]


def _mark(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
