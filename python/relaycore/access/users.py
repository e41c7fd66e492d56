"""The users, without their passwords.

Digest authentication needs of a user only HA1, the hash of ``name:realm:password`` (RFC 7616 section 3.4.2).
So nothing else is kept, and a password can neither be logged nor found in a memory dump.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Literal

from relaycore.settings import User

__all__ = ["REALM", "Algorithm", "Right", "UserStore"]

Right = Literal["publish", "control"]
"""What a user may do beside reading: publish to paths, or change the relay over HTTP."""

REALM = "relaycore"
"""The realm of all challenges. It is part of each HA1, so changing it makes kept ones worthless."""


class Algorithm(Enum):
    """A hash of RFC 7616; the value is its name in headers."""

    SHA_256 = "SHA-256"
    MD5 = "MD5"

    def hash(self, text: str) -> str:
        """The hash of a text in UTF-8, as lower-case hexadecimal digits."""
        data = text.encode()
        if self is Algorithm.SHA_256:
            return hashlib.sha256(data).hexdigest()
        return hashlib.md5(data, usedforsecurity=False).hexdigest()


class UserStore:
    """The users of one relay. May be read and changed from one thread only."""

    def __init__(self, users: Iterable[User] = ()) -> None:
        self._ha1: dict[str, dict[Algorithm, str]] = {}
        self._rights: dict[str, frozenset[Right]] = {}
        self._nobody = secrets.token_hex(16)
        for user in users:
            self.add(user)

    def __len__(self) -> int:
        return len(self._ha1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ha1)

    def __contains__(self, name: str) -> bool:
        return name in self._ha1

    def add(self, user: User) -> None:
        """Adds a user or gives one a new password and new rights."""
        self._ha1[user.name] = _ha1_of(user.name, user.password)
        self._rights[user.name] = _rights_of(user)

    def remove(self, name: str) -> None:
        """Removes a user. KeyError when there is none of that name."""
        del self._ha1[name], self._rights[name]

    def rights_are(self, user: User) -> bool:
        """Whether the user of this name has these rights."""
        return self._rights.get(user.name) == _rights_of(user)

    def may(self, name: str, right: Right) -> bool:
        """Whether there is such a user who has this right."""
        return right in self._rights.get(name, ())

    def replace(self, users: Iterable[User]) -> None:
        """Has these users from now on, and no others."""
        self._ha1.clear()
        self._rights.clear()
        for user in users:
            self.add(user)

    def ha1(self, name: str, algorithm: Algorithm) -> str:
        """HA1 of a user; for an unknown name one that no password has, made with as much work."""
        known = self._ha1.get(name)
        made_up = algorithm.hash(f"{name}:{REALM}:{self._nobody}")
        return made_up if known is None else known[algorithm]

    def password_is(self, name: str, password: str) -> bool:
        """Whether this is the user's password, in the same time for every wrong answer."""
        algorithm = Algorithm.SHA_256
        given = algorithm.hash(f"{name}:{REALM}:{password}")
        return hmac.compare_digest(given, self.ha1(name, algorithm))


def _ha1_of(name: str, password: str) -> dict[Algorithm, str]:
    return {algorithm: algorithm.hash(f"{name}:{REALM}:{password}") for algorithm in Algorithm}


def _rights_of(user: User) -> frozenset[Right]:
    rights: dict[Right, bool] = {"publish": user.publish, "control": user.control}
    return frozenset(right for right, given in rights.items() if given)
