"""Keeps a share link or a token in a browser, so that it stands in one URL only.

What stands in a URL is kept in histories, shown in address bars and sent on to others as the referrer. So
who comes by a link with a browser gets a cookie for that path, and is sent to the same URL without the link.
Other programs get the cookie, too, and stay where they are: a player of HLS needs it for the parts, whose
URLs have no query. ``SameSite=Lax``, since a link is followed from mails and other sites, and lets nobody do
more than watch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from relaycore.access import tokens
from relaycore.access.identity import Identity
from relaycore.access.share_links import SHARE_PARAMETER, ShareProblem, token_in
from relaycore.access.tokens import TOKEN_PARAMETER, TokenProblem
from relaycore.access.users import UserStore
from relaycore.errors import ConfigurationError
from relaycore.settings import normal_path

__all__ = ["add_cookie", "identity_of", "is_there", "moved", "remember"]

NAME: Final = "relaycore_share"
"""Name of the cookie."""

LONGEST: Final = 3500
"""Characters that are kept; browsers take no longer cookies than 4096."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a cookie is to hold, for which path, and until when in seconds of Unix time."""

    value: str
    path: str
    ends: float
    secure: bool


_KEPT: Final[web.RequestKey[_Kept]] = web.RequestKey("share_cookie")


def identity_of(request: web.Request, users: UserStore, path: str) -> Identity | None:
    """Who it is by the cookie, at a path; ``None`` without one, and where it lets nobody in."""
    value = request.cookies.get(NAME)
    who = None if value is None else _identity(users, value)
    return who if who is not None and who.offer is not None and who.offer.covers("read", path) else None


def is_there(request: web.Request) -> bool:
    """Whether somebody has come by a link, whatever it is worth."""
    return NAME in request.cookies or token_in(request.query_string) is not None


def remember(request: web.Request, users: UserStore, path: str, *, secure: bool) -> None:
    """Gives a cookie for a path to who has come in by what stands in the URL, with the answer."""
    value = _in_url(request)
    who = None if value is None else _identity(users, value)
    if value is not None and who is not None and len(value) <= LONGEST and _is_path(path):
        request[_KEPT] = _Kept(value, path, who.ends, secure)


def moved(request: web.Request, users: UserStore, *, secure: bool) -> web.Response | None:
    """Sends a browser from a URL with a link to the one without; ``None`` where it is not to be sent on."""
    if request.method != hdrs.METH_GET or "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        return None
    value = _in_url(request)
    who = None if value is None or len(value) > LONGEST else _identity(users, value)
    if who is None or who.offer is None:
        return None
    path = request.path.strip("/")
    if who.is_share and who.offer.paths is not None:
        (shared,) = who.offer.paths
        if path != shared and not path.startswith(f"{shared}/"):
            return None
        path = shared
    if not _is_path(path):
        return None
    remember(request, users, path, secure=secure)
    rest = request.rel_url.without_query_params(SHARE_PARAMETER, TOKEN_PARAMETER)
    # Never more than a path: two slashes at its beginning would be another server.
    location = "/" + str(rest).lstrip("/")
    return web.Response(status=303, headers={hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store"})


def add_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the cookie to an answer where there is to be one."""
    kept = request.get(_KEPT)
    if kept is None or response.prepared:
        return
    response.set_cookie(
        NAME,
        kept.value,
        path=f"/{kept.path}",
        max_age=max(1, int(kept.ends - time.time())),
        httponly=True,
        secure=kept.secure,
        samesite="Lax",
    )


def _is_path(text: str) -> bool:
    """Whether it can be the path of a stream, and so that of a cookie."""
    try:
        return normal_path(text) == text
    except ConfigurationError:
        return False


def _in_url(request: web.Request) -> str | None:
    query = request.query_string
    return token_in(query) or tokens.token_in(query)


def _identity(users: UserStore, value: str) -> Identity | None:
    """Who it is by a link or a token; ``None`` where it is none that lets somebody in."""
    if tokens.is_token(value):
        try:
            return None if users.tokens is None else users.tokens.identity(value)
        except TokenProblem:
            return None
    try:
        return users.links.of_token(value, time.time()).identity()
    except ShareProblem:
        return None
