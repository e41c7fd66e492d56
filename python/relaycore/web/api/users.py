"""The users: what they have open."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from aiohttp import web

from relaycore.language import Message
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer
from relaycore.web.api.endings import EndingView
from relaycore.web.keys import PRESENCE, RELAY, SESSION_IDS
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "SessionsEnded"]

_log = logging.getLogger(__name__)


class SessionsEnded(msgspec.Struct, frozen=True, kw_only=True):
    """What a user had open was ended."""

    user: str
    ended: list[EndingView]
    """The sessions of readers and publishers; connections of HTTP were closed, too."""


async def end_sessions(request: web.Request) -> web.Response:
    """Ends all that a user has open."""
    relay, presence, ids = request.app[RELAY], request.app[PRESENCE], request.app[SESSION_IDS]
    user = request.match_info["user"]
    is_open = user in presence or any(session.user == user for session in relay.sessions())
    if user not in relay.users and not is_open:
        raise Refused(
            404,
            Message("There is no user {user}, nor anything that is open under that name.", user=repr(user)),
        )
    reason = f"ended by {request[USER]}"
    async with recorded(request, "endSessions", user):
        # Whoever ends all of their own still has an answer coming, and then no connection.
        presence.forget(request)
        ended = relay.end_sessions(user, reason)
    _log.info("sessions of a user ended by request", extra={"of": user, "user": request[USER]})
    views = [
        EndingView(
            session=ids.of(session),
            path=session.path,
            user=session.user,
            peer=session.peer,
            reason=reason,
        )
        for session in ended
    ]
    response = json_answer(200, SessionsEnded(user=user, ended=views))
    if user == request[USER]:
        response.force_close()
    return response


ROUTES: Sequence[Route] = (
    Route(
        method="DELETE",
        path="/api/v1/users/{user}/sessions",
        name="endSessions",
        summary="Ends all that a user has open, over RTSP and over HTTP, within a second. Who still has the "
        "right to may come in again.",
        access="write",
        handler=end_sessions,
        parameters={"user": "The name of the user, percent-encoded where it has to be."},
        answers={
            200: Answered("It is ended.", SessionsEnded),
            404: Answered("There is no such user, and nothing open under that name.", Problem),
        },
    ),
)
