"""Lets those in who want to watch a stream, by whatever protocol of browsers."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs, web

from relaycore.errors import ConfigurationError, SourceError
from relaycore.settings import normal_path
from relaycore.web.answers import Refused
from relaycore.web.keys import GUARD, RELAY

__all__ = ["Viewer", "admit_viewer", "nothing_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who was let in to watch ``path``.

    ``user`` and ``ticket`` are for the session that begins, ``purpose`` is what the visit is for where
    somebody has said so, ``peer`` is address and port.
    """

    path: str
    user: str | None
    ticket: int
    purpose: str | None
    peer: str
    secure: bool
    user_agent: str | None


async def admit_viewer(request: web.Request) -> Viewer:
    """Who sent a request to watch the stream at the path that it names; starts what the path needs.

    Refused when they may not, and 404 when there is nothing to watch.
    """
    named = request.match_info["path"]
    try:
        path = normal_path(named)
    except ConfigurationError:
        path = named[:LONGEST_PATH]
    visitor = await request.app[GUARD].enter(request, "read", path)
    try:
        await request.app[RELAY].prepare(path)
    except ConfigurationError:
        raise nothing_at(path) from None
    except SourceError as error:
        raise Refused(404, str(error)) from None
    return Viewer(
        path=path,
        user=visitor.user,
        ticket=visitor.ticket,
        purpose=visitor.purpose,
        peer=visitor.peer,
        secure=visitor.secure,
        user_agent=request.headers.get(hdrs.USER_AGENT),
    )


def nothing_at(path: str) -> Refused:
    """That there is no stream at a path."""
    return Refused(
        404, f"There is no stream at {path!r} now: GET /api/v1/streams lists those that there are."
    )


LONGEST_PATH = 255
"""Characters of a path that is none which are shown."""
