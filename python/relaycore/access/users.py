"""The users, without their passwords.

Digest authentication needs of a user only HA1, the hash of ``name:realm:password`` (RFC 7616 section 3.4.2).
Clients of ONVIF hash the password itself, anew each time: those in the configuration are kept encrypted for
them, so that a password is not logged, and not found by looking for it in memory. Those in the account file
(:mod:`relaycore.access.accounts`) have only hashes, HA1 and an Argon2id hash beside it, unless their password
was kept for ONVIF, too.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

from relaycore.access.identity import NOBODY, Identity
from relaycore.access.roles import RIGHTS
from relaycore.access.sealed import Seal
from relaycore.access.share_links import ShareLinks
from relaycore.access.tickets import Tickets
from relaycore.access.tokens import TokenKeys
from relaycore.settings import Action, Role, User

__all__ = ["REALM", "Account", "Algorithm", "UserStore", "ha1_of"]

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


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a user. ``argon2`` is the hash of the password in the account file, if it is there."""

    name: str
    role: Role
    ha1: Mapping[Algorithm, str]
    argon2: str | None = None
    sealed: bytes | None = None
    """The password, encrypted, where it is known; see :meth:`UserStore.password`."""

    @classmethod
    def of(cls, user: User, seal: Seal) -> Self:
        """The account of a user in the configuration."""
        sealed = seal.close(user.name, user.password)
        return cls(user.name, user.role, ha1_of(user.name, user.password), sealed=sealed)

    def __repr__(self) -> str:
        return f"Account(name={self.name!r}, role={self.role!r})"


class UserStore:
    """The users of one relay. May be read and changed from one thread only.

    They come from the configuration (or the program) and from the account file. Where both have one of the
    same name, that of the configuration counts. Beside them it knows who is no user and was let in all the
    same: by share links and by tickets.
    """

    def __init__(self, users: Iterable[User] = (), stored: Iterable[Account] = ()) -> None:
        self._seal = Seal()
        self._stored_seal: Seal | None = None
        self._configured = {user.name: Account.of(user, self._seal) for user in users}
        self._stored = {account.name: account for account in stored}
        self._nobody = secrets.token_hex(16)
        self.links = ShareLinks()
        """The share links."""
        self.tokens: TokenKeys | None = None
        """The keys of bearer tokens, where these are taken."""
        self.tickets = Tickets()
        """Numbers for those of whom more is known than the name."""

    @property
    def anybody(self) -> bool:
        """Whether there is a way for people to say who they are: users, or tokens."""
        return bool(self) or self.tokens is not None

    def others(self, users: Iterable[User]) -> UserStore:
        """The same, with other users of the configuration."""
        store = UserStore(users, self.stored)
        store.links, store.tokens, store.tickets = self.links, self.tokens, self.tickets
        store._stored_seal = self._stored_seal
        return store

    def identity(self, name: str | None, ticket: int = 0) -> Identity | None:
        """Who somebody is who was let in under a name, by a ticket where there is one.

        ``None`` where there is no such user, or where it is not known any more who had the ticket.
        """
        if ticket == 0 and name is None:
            return NOBODY
        found = self.tickets.identity(ticket) if ticket else Identity(name)
        if found is None or not found.is_user or found.name is None:
            return found
        role = self.role(found.name)
        return None if role is None else found.with_role(role)

    def __len__(self) -> int:
        return len(self._stored.keys() | self._configured.keys())

    def __iter__(self) -> Iterator[str]:
        return iter({**self._configured, **self._stored})

    def __contains__(self, name: object) -> bool:
        return name in self._configured or name in self._stored

    @property
    def configured(self) -> tuple[str, ...]:
        """The names of those in the configuration."""
        return tuple(self._configured)

    @property
    def stored(self) -> tuple[Account, ...]:
        """Those in the account file."""
        return tuple(self._stored.values())

    def add(self, user: User) -> None:
        """Adds a user or gives one a new password and another role."""
        self._configured[user.name] = Account.of(user, self._seal)

    def remove(self, name: str) -> None:
        """Removes a user who is not in the account file. KeyError when there is none of that name."""
        del self._configured[name]

    def role(self, name: str) -> Role | None:
        """The role of a user; ``None`` when there is no such user."""
        account = self.account(name)
        return None if account is None else account.role

    def may(self, name: str, action: Action) -> bool:
        """Whether there is such a user whose role may do this."""
        role = self.role(name)
        return role is not None and action in RIGHTS[role]

    def replace(self, users: Iterable[User]) -> None:
        """Has these users of the configuration from now on, and no others."""
        self._configured = {user.name: Account.of(user, self._seal) for user in users}

    def replace_stored(self, accounts: Iterable[Account]) -> set[str]:
        """Has these users of the account file from now on.

        Gives the names of those who are gone, have another password, or have a role with fewer rights:
        whoever changes a password wants those out who know only the old one.
        """
        before = {name: self.account(name) for name in self._stored}
        self._stored = {account.name: account for account in accounts}
        return {
            name
            for name, account in before.items()
            if (now := self.account(name)) is None
            or account is None
            or now.ha1 != account.ha1
            or not RIGHTS[account.role] <= RIGHTS[now.role]
        }

    def account(self, name: str) -> Account | None:
        """The account of this name, if there is one."""
        return self._configured.get(name) or self._stored.get(name)

    def ha1(self, name: str, algorithm: Algorithm) -> str:
        """HA1 of a user or a share link; for other names one that no password has, made with as much work."""
        known, link = self.account(name), self.links.of_login(name)
        secret = self._nobody if link is None else self.links.signature(link)
        of_a_link = algorithm.hash(f"{name}:{REALM}:{secret}")
        return of_a_link if known is None else known.ha1[algorithm]

    def use_seal(self, seal: Seal | None) -> None:
        """Opens the passwords in the account file with this."""
        self._stored_seal = seal

    def is_kept(self, name: str) -> bool:
        """Whether the password of a user is kept, be it that it can be opened or not."""
        known = self.account(name)
        return known is not None and known.sealed is not None

    def password(self, name: str) -> str | None:
        """The password of a user where it is known; in the account file it is where it is kept for ONVIF."""
        known = self.account(name)
        seal = self._seal if name in self._configured else self._stored_seal
        return (
            None if known is None or known.sealed is None or seal is None else seal.open(name, known.sealed)
        )

    def password_is(self, name: str, password: str) -> bool:
        """Whether this is the user's password by HA1, in the same time for every wrong answer."""
        algorithm = Algorithm.SHA_256
        given = algorithm.hash(f"{name}:{REALM}:{password}")
        return hmac.compare_digest(given, self.ha1(name, algorithm))


def ha1_of(name: str, password: str) -> dict[Algorithm, str]:
    """HA1 by algorithm."""
    return {algorithm: algorithm.hash(f"{name}:{REALM}:{password}") for algorithm in Algorithm}
