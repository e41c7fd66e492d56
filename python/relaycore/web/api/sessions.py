"""The sessions of readers and publishers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from relaycore._relaycore import Engine, Session
from relaycore.language import Message
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer
from relaycore.web.keys import ENGINE, LEDGER, SESSION_IDS
from relaycore.web.routes import USER, Answered, Route, query_of
from relaycore.web.session_ids import SessionIds

__all__ = ["ROUTES", "SessionList", "SessionQuery", "SessionView", "view"]

_log = logging.getLogger(__name__)

SECOND = 1_000_000_000

_ID = {"id": "The id of the session in this API."}
_NO_SESSION = Answered("There is no such session.", Problem)


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session and its counters at this moment. Times that end in ``_s`` are in seconds."""

    id: str
    """Names it in this API; it is not the id of RTSP, which is a secret of the client."""
    path: str
    action: Literal["read", "publish"]
    user: str | None
    """Who it is, when known."""
    peer: str
    """Address and port of the client."""
    user_agent: str | None
    protocol: str
    """``rtsp``, ``rtsp-over-http`` or ``-websocket``, ``webrtc``, ``websocket``, ``mjpeg`` or ``hls``."""
    transport: str
    """``tcp``, ``udp`` or ``multicast``."""
    state: str
    """``ready``, or ``playing`` to a reader, or ``recording`` what a publisher sends."""
    started: float
    """When it was set up, in seconds of Unix time."""
    bytes: int
    """Bytes of media that were sent to a reader, or came from a publisher; of RTP packets where there are
    any."""
    packets: int
    """RTP packets, or the parts that other protocols have, likewise."""
    discarded: int
    """RTP packets, or parts, that the relay skipped because the reader was too slow."""
    lost: int
    """RTP packets that were lost on the way."""
    jitter_s: float
    """Interarrival jitter (RFC 3550 section 6.4.1); the largest of the tracks."""
    round_trip_s: float | None
    """Time to the client and back; null before the client has told."""
    bandwidth: int | None
    """Bits a second that the way to a reader carries, as its client estimates; null before it has told."""
    lag_s: float
    """How long the oldest of what a reader has not got waits to be sent; 0 when it has all."""
    first_picture_s: float | None
    """From the start to the first picture that was sent; null before."""


class SessionList(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, the oldest first."""

    total: int
    """How many there are; ``sessions`` may hold fewer."""
    sessions: list[SessionView]


class SessionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sessions to list."""

    path: str | None = None
    """Only those of this path."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000
    """At most this many."""


def view(session: Session, engine: Engine, ids: SessionIds) -> SessionView:
    """A session as it is shown."""
    first_ns = session.first_picture_ns
    round_trip_ns = session.round_trip_ns
    return SessionView(
        id=ids.of(session),
        path=session.path,
        action=session.action,
        user=session.user,
        peer=session.peer,
        user_agent=session.user_agent,
        protocol=session.protocol,
        transport=session.transport,
        state=session.state,
        started=engine.unix_ns(session.started_ns) / SECOND,
        bytes=session.bytes,
        packets=session.packets,
        discarded=session.discarded,
        lost=session.lost,
        jitter_s=session.jitter_ns / SECOND,
        round_trip_s=None if round_trip_ns is None else round_trip_ns / SECOND,
        bandwidth=session.bandwidth,
        lag_s=session.lag_ns / SECOND,
        first_picture_s=None if first_ns is None else (first_ns - session.started_ns) / SECOND,
    )


async def list_sessions(request: web.Request) -> web.Response:
    """Answers with the sessions of now."""
    query = query_of(request, SessionQuery)
    engine, ids = request.app[ENGINE], request.app[SESSION_IDS]
    found = [session for session in engine.sessions() if query.path in (None, session.path)]
    found.sort(key=lambda session: session.started_ns)
    shown = [view(session, engine, ids) for session in found[: query.limit]]
    return json_answer(200, SessionList(total=len(found), sessions=shown))


async def get_session(request: web.Request) -> web.Response:
    """Answers with one session."""
    return json_answer(200, view(_session_of(request), request.app[ENGINE], request.app[SESSION_IDS]))


async def end_session(request: web.Request) -> web.Response:
    """Ends one session, with a goodbye."""
    session = _session_of(request)
    ledger = request.app[LEDGER]
    name = request.match_info["id"] if ledger is None else ledger.name_of(session.id)
    async with recorded(request, "endSession", name):
        if ledger is not None:
            ledger.because(session.id, f"ended by {request[USER]}")
        request.app[ENGINE].kick(session.id)
    _log.info("session ended by request", extra={"session": session.id, "user": request[USER]})
    return web.Response(status=204)


def _session_of(request: web.Request) -> Session:
    wanted = request.match_info["id"]
    found = request.app[SESSION_IDS].find(wanted, request.app[ENGINE].sessions())
    if found is None:
        text = Message(
            "There is no session {wanted} (any more): GET /api/v1/sessions lists those of now.",
            wanted=repr(wanted),
        )
        raise Refused(404, text)
    return found


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/sessions",
        name="listSessions",
        summary="The sessions of readers and publishers, with their counters.",
        access="read",
        handler=list_sessions,
        query=SessionQuery,
        answers={200: Answered("The sessions.", SessionList)},
    ),
    Route(
        method="GET",
        path="/api/v1/sessions/{id}",
        name="getSession",
        summary="One session with its counters.",
        access="read",
        handler=get_session,
        parameters=_ID,
        answers={200: Answered("The session.", SessionView), 404: _NO_SESSION},
    ),
    Route(
        method="DELETE",
        path="/api/v1/sessions/{id}",
        name="endSession",
        summary="Ends a session, as if its client had asked for it. The client may come again.",
        access="write",
        handler=end_session,
        parameters=_ID,
        answers={204: Answered("It is told, and ends."), 404: _NO_SESSION},
    ),
)
