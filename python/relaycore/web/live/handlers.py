"""``GET /api/v1/events``: what happens, as server-sent events (HTML standard, section 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web

from relaycore.access.answers import host_of
from relaycore.language import Message, current
from relaycore.settings import Action
from relaycore.web.answers import Problem, Refused
from relaycore.web.api.alerts import record_look
from relaycore.web.guard import peer_of
from relaycore.web.keys import FEED, GUARD
from relaycore.web.limits import LIMITS
from relaycore.web.live.feed import Listener
from relaycore.web.routes import USER, Answered, Route, query_of

__all__ = ["ROUTES", "EventQuery"]

LONGEST_ID: Final = 64
"""Characters of a name of a message that somebody says they had last."""

_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}

_RETRY: Final = b"retry: 2000\n\n"
"""Milliseconds after which a browser comes back."""


class EventQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to tell of."""

    alerts: bool = False
    """Of alerts, too, which takes the right to see who did what, and is put on record."""
    after: Annotated[str, msgspec.Meta(max_length=LONGEST_ID)] | None = None
    """Goes on behind the message of this id, as the header Last-Event-ID does."""


async def get_events(request: web.Request) -> web.StreamResponse:
    """Answers with what happens from now on, until the client leaves."""
    query = query_of(request, EventQuery)
    guard, feed = request.app[GUARD], request.app[FEED]
    if query.alerts:
        # Not asked for again: credentials of Digest hold for one time.
        if "audit" not in guard.rights(request):
            raise Refused(403, Message("This takes a user who may see who did what."))
        await record_look(request, None)
    last = request.headers.get("Last-Event-ID", query.after)
    whose = request[USER] or host_of(peer_of(request))
    if not feed.has_room(whose):
        raise Refused(
            503,
            Message("Too many listen already: close a page, or try again later."),
            headers=((hdrs.RETRY_AFTER, "10"),),
        )
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    response.force_close()
    if request.method == hdrs.METH_HEAD:
        return response
    wants: tuple[Action, ...] = ("look", "audit") if query.alerts else ("look",)
    listener = Listener(whose, lambda: guard.rights(request), wants, current())
    feed.add(listener, None if last is None else last[:LONGEST_ID])
    try:
        await _send(request, response, listener)
    finally:
        feed.remove(listener)
    return response


async def _send(request: web.Request, response: web.StreamResponse, listener: Listener) -> None:
    """Sends what comes. Who takes nothing for too long is left; there are figures every few seconds."""
    limit = request.app[LIMITS].timeout_s
    try:
        async with asyncio.timeout(limit):
            await response.prepare(request)
            await response.write(_RETRY)
        while (data := await listener.next()) is not None:
            async with asyncio.timeout(limit):
                await response.write(data)
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/events",
        name="getEvents",
        summary="What happens, as server-sent events: `hello` at first, `happened` for each event, `alert`, "
        "and `figures` every few seconds. Goes on behind the header Last-Event-ID where that is not long "
        "ago; `hello` says so with `resumed`.",
        access="read",
        handler=get_events,
        query=EventQuery,
        answers={
            200: Answered("The events.", media_type="text/event-stream"),
            503: Answered("Too many listen, or looking at alerts cannot be put on record.", Problem),
        },
    ),
)
