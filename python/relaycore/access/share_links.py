"""Share links: whoever has one may read one path until it ends, without an account.

A link has two halves. Its *id* is no secret: it stands in records, and who came in by the link is called
``share:ID`` there. Its *signature* is HMAC-SHA-256 over all that the link allows, with a key that nobody but
the relay has, so that a link can be neither made up nor changed, not by who can write to the file of links
either. It is not kept, but made anew whenever it is compared.

The same two halves serve three ways of coming in:

- ``ID.SIGNATURE`` as ``share`` in the query of a URL, over RTSP and HTTP;
- the same as a cookie, once a browser has come by such a URL;
- ``share-ID`` as user name and ``SIGNATURE`` as password, by Digest and Basic, for programs and recorders
  that have fields for those. Digest sends neither of them readable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from relaycore.access.identity import SHARE, Identity, Offer
from relaycore.language import Message

__all__ = [
    "SHARE_PARAMETER",
    "ShareLink",
    "ShareLinks",
    "ShareProblem",
    "new_link",
    "token_in",
]

SHARE_PARAMETER: Final = "share"
"""Name of the parameter of a query."""

LOGIN: Final = "share-"
"""What the user name begins with where a link is used as user name and password."""

LONGEST_S: Final = 366 * 86_400
"""Seconds that a link lasts at most."""

LONGEST_PURPOSE: Final = 200
"""Characters of a purpose."""

KEY_BYTES: Final = 32

_ID_BYTES: Final = 5
_SIGNATURE_BYTES: Final = 16
_TOKEN = re.compile(r"([a-z2-7]{8})\.([A-Za-z0-9_-]{22})")
_PARAMETER = re.compile(r"(?:^|[&;?])" + SHARE_PARAMETER + r"=([^&;/]*)")


class ShareProblem(Exception):
    """A link does not let in: ``status`` of the answer, and a sentence that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLink:
    """What a link allows. Times are whole seconds of Unix time."""

    id: str
    path: str
    purpose: str
    made: int
    ends: int
    sessions: int = 0
    """How many may use it at a time; 0 is any number."""
    made_by: str | None = None
    """The user who made it, or ``None`` where that was done on the machine itself."""
    revoked: int | None = None
    """When it was revoked."""

    @property
    def name(self) -> str:
        """Who came in by it is called so."""
        return SHARE + self.id

    @property
    def login(self) -> str:
        """The user name where it is used as user name and password."""
        return LOGIN + self.id

    def identity(self) -> Identity:
        """Who comes in by it."""
        offer = Offer(frozenset({"read"}), (self.path,), self.ends, sessions=self.sessions)
        return Identity(self.name, "viewer", self.purpose, offer, is_user=False)


class ShareLinks:
    """The links of one relay. ``key`` signs them; without one, it is made for as long as this lasts.

    All methods are called from one thread.
    """

    def __init__(self, key: bytes | None = None, links: Iterable[ShareLink] = ()) -> None:
        self._key = key or secrets.token_bytes(KEY_BYTES)
        self._links = {link.id: link for link in links}

    def __iter__(self) -> Iterator[ShareLink]:
        return iter(list(self._links.values()))

    def get(self, link_id: str) -> ShareLink | None:
        """The link with this id."""
        return self._links.get(link_id)

    def use_key(self, key: bytes) -> None:
        """Signs and compares with this key from now on."""
        self._key = key

    @property
    def limit_sessions(self) -> bool:
        """Whether there is one that only so many may use at a time."""
        return any(link.sessions > 0 for link in self._links.values())

    def add(self, link: ShareLink) -> None:
        """Knows one more."""
        self._links[link.id] = link

    def replace(self, links: Iterable[ShareLink]) -> set[str]:
        """Knows these and no others from now on.

        Gives the names of those that let nobody in any more, or allow something else than before.
        """
        before = self._links
        self._links = {link.id: link for link in links}
        return {
            link.name for link in before.values() if link.revoked is None and self._links.get(link.id) != link
        }

    def token(self, link: ShareLink) -> str:
        """What stands in a URL. It is a secret."""
        return f"{link.id}.{self.signature(link)}"

    def signature(self, link: ShareLink) -> str:
        """The secret half of a link, which is the password where it is used as one."""
        allowed = [link.id, link.path, link.purpose, link.made, link.ends, link.sessions, link.made_by]
        mac = hmac.digest(self._key, json.dumps(allowed).encode(), hashlib.sha256)[:_SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")

    def of_login(self, name: str) -> ShareLink | None:
        """The link whose user name this is."""
        return self._links.get(name.removeprefix(LOGIN)) if name.startswith(LOGIN) else None

    def of_token(self, token: str, now: float) -> ShareLink:
        """The link of a token, if it lets somebody in at this moment. ShareProblem where it does not."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ShareProblem(
                400, Message(Message("This is no share link, look whether all of it was copied"))
            )
        link = self._links.get(match[1])
        # Compared also where there is none, so that both take the same time.
        expected = self.signature(link or _NO_LINK)
        if not hmac.compare_digest(expected, match[2]) or link is None:
            raise ShareProblem(401, Message(Message("This share link is not valid")))
        self.check(link, now)
        return link

    @staticmethod
    def check(link: ShareLink, now: float) -> None:
        """ShareProblem where a link lets nobody in (any more)."""
        if link.revoked is not None:
            raise ShareProblem(403, Message(Message("This share link was revoked")))
        if now >= link.ends:
            raise ShareProblem(403, Message(Message("This share link has ended")))


def new_link(
    path: str, purpose: str, *, seconds: float, sessions: int = 0, made_by: str | None = None
) -> ShareLink:
    """A new link for a path, which lasts for so many seconds from now."""
    made = math.floor(time.time())
    name = base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode("ascii").lower()
    ends = made + math.ceil(seconds)
    return ShareLink(
        id=name, path=path, purpose=purpose, made=made, ends=ends, sessions=sessions, made_by=made_by
    )


def token_in(query: str | None) -> str | None:
    """The token in the query of a URL; ``None`` where the query has none."""
    match = None if query is None else _PARAMETER.search(query)
    return None if match is None else match[1]


_NO_LINK: Final = ShareLink(id="", path="", purpose="", made=0, ends=0)
