"""Keeps a share link in a browser, so that it stands in one URL only.

What stands in a URL is kept in histories, shown in address bars and sent on to others as the referrer. So
who comes by a link with a browser gets a cookie for that path, and is sent to the same URL without the link.
Other programs get the cookie, too, and stay where they are. ``SameSite=Lax``, since a link is followed from
mails and other sites, and lets nobody do more than watch.
"""

from __future__ import annotations

import time
from typing import Final

from aiohttp import hdrs, web

from relaycore.access.identity import Identity
from relaycore.access.share_links import SHARE_PARAMETER, ShareLink, ShareLinks, ShareProblem, token_in

__all__ = ["add_cookie", "identity_of", "is_there", "moved", "remember"]

NAME: Final = "relaycore_share"
"""Name of the cookie."""

_KEPT: Final[web.RequestKey[tuple[str, ShareLink, bool]]] = web.RequestKey("share_cookie")


def identity_of(request: web.Request, links: ShareLinks, path: str) -> Identity | None:
    """Who it is by the cookie, at a path; ``None`` without one, and where it lets nobody in."""
    link = _link(links, request.cookies.get(NAME))
    return link.identity() if link is not None and link.path == path else None


def is_there(request: web.Request) -> bool:
    """Whether somebody has come by a link, whatever it is worth."""
    return NAME in request.cookies or token_in(request.query_string) is not None


def remember(request: web.Request, links: ShareLinks, *, secure: bool) -> None:
    """Gives a cookie to who has come in by the link in the URL, with the answer."""
    token = token_in(request.query_string)
    link = _link(links, token)
    if token is not None and link is not None:
        request[_KEPT] = token, link, secure


def moved(request: web.Request, links: ShareLinks, *, secure: bool) -> web.Response | None:
    """Sends a browser from a URL with a link to the one without; ``None`` where it is not to be sent on."""
    if request.method != hdrs.METH_GET or "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        return None
    link = _link(links, token_in(request.query_string))
    if link is None or not _is_below(request.path, link.path):
        return None
    remember(request, links, secure=secure)
    rest = request.rel_url.without_query_params(SHARE_PARAMETER)
    # Never more than a path: two slashes at its beginning would be another server.
    location = "/" + str(rest).lstrip("/")
    return web.Response(status=303, headers={hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store"})


def add_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the cookie to an answer where there is to be one."""
    kept = request.get(_KEPT)
    if kept is None or response.prepared:
        return
    token, link, secure = kept
    response.set_cookie(
        NAME,
        token,
        path=f"/{link.path}",
        max_age=max(1, int(link.ends - time.time())),
        httponly=True,
        secure=secure,
        samesite="Lax",
    )


def _link(links: ShareLinks, token: str | None) -> ShareLink | None:
    try:
        return None if token is None else links.of_token(token, time.time())
    except ShareProblem:
        return None


def _is_below(path: str, shared: str) -> bool:
    path = path.strip("/")
    return path == shared or path.startswith(f"{shared}/")
