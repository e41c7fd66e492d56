"""The language that somebody is answered in.

It is the one that they chose (``?language=fr`` of a page, which a cookie keeps), else the one that their
browser likes best of those there are, else the setting ``language``, else English.
"""

from __future__ import annotations

from html import escape
from typing import Final

from aiohttp import hdrs, web

from relaycore.language import (
    PSEUDO,
    SOURCE,
    current,
    direction,
    html_tag,
    known,
    languages,
    name_of,
    negotiate,
)
from relaycore.web.keys import RELAY

__all__ = ["html_tag", "keep_choice", "language_of", "say_language", "switch"]

NAME: Final = "language"
"""Of the parameter and of the cookie."""

KEPT_S: Final = 365 * 24 * 3600
"""Seconds that a browser keeps the choice."""


def language_of(request: web.Request) -> str:
    """The language that a request is to be answered in."""
    chosen = _chosen(request) or known(request.cookies.get(NAME, ""))
    accepted = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
    return chosen or negotiate(accepted) or known(request.app[RELAY].config.language) or SOURCE


def say_language(response: web.StreamResponse, tag: str) -> None:
    """Tells programs that keep answers what this one depends on, and readers of a page aloud its language."""
    if response.prepared or response.content_type not in ("text/html", "application/json"):
        return
    response.headers.setdefault(hdrs.VARY, "Accept-Language, Cookie")
    if response.content_type == "text/html" or response.status >= web.HTTPBadRequest.status_code:
        response.headers.setdefault(hdrs.CONTENT_LANGUAGE, tag)


def keep_choice(request: web.Request, response: web.StreamResponse) -> None:
    """Lets the browser keep the language that was chosen in the address of a page."""
    chosen = _chosen(request)
    if chosen is not None and response.content_type == "text/html" and not response.prepared:
        response.set_cookie(NAME, chosen, max_age=KEPT_S, path="/", samesite="Lax")


def switch(address: str = "") -> str:
    """Links to a page in every language, each by its own name, as HTML. ``address`` is that of the page."""
    tags = languages() if current() != PSEUDO else (*languages(), PSEUDO)
    links: list[str] = []
    for tag in tags:
        now = ' aria-current="true"' if tag == current() else ""
        about = f'lang="{tag}" hreflang="{tag}" dir="{direction(tag)}"{now}'
        links.append(f'<a href="{escape(address)}?{NAME}={tag}" {about}>{escape(name_of(tag))}</a>')
    return " ".join(links)


def _chosen(request: web.Request) -> str | None:
    return known(request.query.get(NAME, ""))
