"""The cookie of a login.

``SameSite=Strict``: no other site can make a browser send it, not even by a link. ``HttpOnly``: no script can
read it. ``Secure`` where it was given over an encrypted connection.
"""

from __future__ import annotations

import time
from typing import Final

from aiohttp import web

__all__ = ["forget", "give", "token_of"]

NAME: Final = "relaycore_login"
"""Name of the cookie."""


def token_of(request: web.Request) -> str | None:
    """What the cookie holds that came with a request, if one did."""
    return request.cookies.get(NAME)


def give(response: web.StreamResponse, token: str, ends: float, *, secure: bool) -> None:
    """Gives the cookie with an answer."""
    response.set_cookie(
        NAME,
        token,
        max_age=max(1, int(ends - time.time())),
        path="/",
        httponly=True,
        secure=secure,
        samesite="Strict",
    )


def forget(response: web.StreamResponse, *, secure: bool) -> None:
    """Takes the cookie back."""
    response.del_cookie(NAME, path="/", httponly=True, secure=secure, samesite="Strict")
