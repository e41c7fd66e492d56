"""Puts on record what a request changes, before it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import hdrs, web

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.web.answers import Refused
from relaycore.web.guard import peer_of
from relaycore.web.keys import LEDGER
from relaycore.web.routes import USER

__all__ = ["recorded"]


@asynccontextmanager
async def recorded(request: web.Request, act: str, target: str | None) -> AsyncIterator[None]:
    """Does what is inside once it is on record; where nothing comes of it, that is recorded, too.

    Refused, and nothing is done, where it cannot be put on record and nothing may be done then. Does no more
    than what is inside where there is no ledger.
    """
    ledger = request.app[LEDGER]
    if ledger is None:
        yield
        return
    try:
        record = await ledger.act(
            act,
            target,
            means="api",
            user=request[USER],
            client=request.headers.get(hdrs.USER_AGENT),
            peer=peer_of(request),
        )
    except StateError:
        raise Refused(
            503, Message("This cannot be put on record now, so nothing was done: try again later.")
        ) from None
    try:
        yield
    except Exception as error:
        ledger.act_failed(record, error.status if isinstance(error, Refused) else 500)
        raise
