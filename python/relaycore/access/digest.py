"""Authentication by Digest (RFC 7616, and RFC 2069 for old clients), and the challenges."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from relaycore.access.credentials import DigestCredentials
from relaycore.access.nonces import Freshness, Nonces
from relaycore.access.users import REALM, Algorithm, UserStore

__all__ = ["Authenticated", "Authenticator", "Challenged"]

_TRACK = re.compile(r"(?:track|stream)(?:id)?[=]?[0-9]+", re.IGNORECASE)
"""Last part of the URI of a track, below the path of its stream."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The request comes from this user."""

    user: str


@dataclass(frozen=True, slots=True)
class Challenged:
    """The request does not show who it comes from.

    ``challenges`` are the ``WWW-Authenticate`` headers of the answer. ``wrong`` is set when the credentials
    are wrong, rather than only too old.
    """

    challenges: tuple[str, ...]
    wrong: bool


class Authenticator:
    """Checks the proofs of requests against the users, and asks for them.

    ``basic`` offers Basic (RFC 7617), too, which sends passwords in the clear; those are looked at elsewhere.
    """

    def __init__(
        self, users: UserStore, *, basic: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.users = users
        self.basic = basic
        self._nonces = Nonces(clock)

    def check(
        self, credentials: DigestCredentials, *, method: str, uri: str, path: str | None, client: str
    ) -> Authenticated | Challenged:
        """Who sends a request.

        ``uri`` is that of the request line, ``path`` the path of the stream that it means, or ``None`` where
        it means nothing but itself (HTTP), ``client`` the address (without port) of the sender.
        """
        if self._proves(credentials, method, uri, path):
            count = None if credentials.count is None else int(credentials.count, 16)
            if self._nonces.check(credentials.nonce, client, count) is Freshness.FRESH:
                return Authenticated(credentials.name)
            # The password is right. A nonce that is old, or of an earlier run, is not the person's mistake.
            return Challenged(self.challenges(client, stale=True), wrong=False)
        return Challenged(self.challenges(client), wrong=True)

    def challenges(self, client: str, *, stale: bool = False) -> tuple[str, ...]:
        """The ``WWW-Authenticate`` headers for a client, best first.

        Clients that know only one algorithm and read all headers keep the last Digest one, which is why MD5
        follows SHA-256. ``realm`` and ``nonce`` come first, in this order: live555 finds them nowhere else.
        """
        end = ", stale=true" if stale else ""
        found = [
            f'Digest realm="{REALM}", nonce="{self._nonces.make(client)}", algorithm={algorithm.value}, '
            f'qop="auth", charset=UTF-8{end}'
            for algorithm in Algorithm
        ]
        if self.basic:
            found.append(f'Basic realm="{REALM}", charset="UTF-8"')
        return tuple(found)

    def _proves(self, credentials: DigestCredentials, method: str, uri: str, path: str | None) -> bool:
        """Whether the response shows knowledge of the password, for this request.

        RFC 7616 section 3.4.1; RFC 2617 section 3.2.2.1 without ``qop``.
        """
        algorithm = credentials.algorithm
        ha1 = self.users.ha1(credentials.name, algorithm)
        ha2 = algorithm.hash(f"{method}:{credentials.uri}")
        middle = credentials.nonce
        if credentials.count is not None:
            middle += f":{credentials.count}:{credentials.client_nonce}:auth"
        expected = algorithm.hash(f"{ha1}:{middle}:{ha2}")
        right = hmac.compare_digest(expected.encode(), credentials.response.encode())
        return right and _same_path(credentials.uri, uri, path)


def _same_path(signed: str, requested: str, path: str | None) -> bool:
    """Whether the URI that was hashed means the stream at ``path``.

    RTSP clients hash the URI with or without host, with or without the slash at its end, and that of the
    stream where they ask for a track. It may be any of those, and nothing that means another path.
    """
    if signed == requested or path is None:
        return signed == requested
    found = _path_of(signed)
    wanted = path.strip("/")
    if found in (wanted, _path_of(requested)):
        return True
    parent, _, last = found.rpartition("/")
    return parent == wanted and _TRACK.fullmatch(last) is not None


def _path_of(uri: str) -> str:
    try:
        return unquote(urlsplit(uri).path).strip("/")
    except ValueError:
        return ""
