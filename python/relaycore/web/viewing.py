"""Lets those in who want to watch a stream by a browser, or publish one, and keeps their sessions.

A handler first calls :func:`admit_viewer`, which asks who it is and starts what the path needs, then
:func:`begin_visit`, which begins the session and asks whether there may be one more. From then on the session
is one like those of RTSP: listed, on record, with a lease, and ended by whoever may end it. ::

    viewer = await admit_viewer(request)
    async with await begin_visit(request, viewer, "hls") as visit:
        ...
        visit.handle.add(len(part))

A handler whose media the engine carries gives ``visit.handle`` on to it instead of using ``async with``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self
from weakref import WeakValueDictionary

from aiohttp import hdrs, web

from relaycore._relaycore import Engine, Session, SessionEvent, WebSession
from relaycore.access.answers import Refuse
from relaycore.errors import ConfigurationError, SourceError
from relaycore.journeys.attempt import Attempt
from relaycore.journeys.player import sid_of
from relaycore.language import Message, message_of
from relaycore.settings import normal_path
from relaycore.web.answers import Refused
from relaycore.web.keys import CONNECTIONS, GUARD, JOURNEYS, RELAY, VISITS

__all__ = [
    "Entrance",
    "Viewer",
    "Visit",
    "Visits",
    "admit_viewer",
    "begin_visit",
    "note_left",
    "note_refusal",
    "nothing_at",
]

Means = Literal["webrtc", "websocket", "mjpeg", "hls"]
"""The protocols of browsers."""

_MEANS: Final[Mapping[str, Means]] = {
    "whep": "webrtc",
    "ws": "websocket",
    "mjpeg": "mjpeg",
    "index.m3u8": "hls",
}
"""What an attempt to view is over, by the last part of the address that is asked for."""

_ATTEMPT: Final[web.RequestKey[Attempt]] = web.RequestKey("attempt")
"""Key of a request under which the attempt to view stands that it has begun."""

LONGEST_PATH: Final = 255
"""Characters of a path that is none which are shown."""

_RETRY_S: Final = "5"
"""Seconds after which it makes sense to try again where there is no room for one more session."""

_NOT_ENOUGH: Final = 453
"""Status of RTSP for "there are too many" (RFC 2326 section 7.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """What stands between the engine and a session that wants to begin.

    ``drain`` passes on all that the engine has to say by now. ``admit`` calls what it is given with ``None``
    when the media of a session may flow, or with why it may not. ``prepare_publisher`` makes a path ready for
    a publisher.
    """

    drain: Callable[[], None]
    admit: Callable[[Session, Callable[[Refuse | None], None]], None]
    prepare_publisher: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who was let in to watch ``path``, or to publish to it.

    ``user`` and ``ticket`` are for the session that begins, ``purpose`` is what the visit is for where
    somebody has said so, ``peer`` is address and port.
    """

    path: str
    action: Literal["read", "publish"]
    user: str | None
    ticket: int
    purpose: str | None
    peer: str
    secure: bool
    user_agent: str | None
    attempt: Attempt | None = None
    """How far it came, where that is counted: who begins a session by itself says that it became one."""


async def admit_viewer(
    request: web.Request, action: Literal["read", "publish"] = "read", *, same_origin: bool = False
) -> Viewer:
    """Who sent a request for the stream at the path that it names; starts what the path needs to be read.

    Refused when they may not, and 404 when there is nothing to watch. With ``same_origin`` a page of another
    site may not ask; browsers let it open WebSockets to anybody. It never may publish.
    """
    named = request.match_info.get("path", "")
    if action == "read":
        named = request.app[RELAY].named_path(named.strip("/"), request.query_string)
    try:
        path = normal_path(named)
    except ConfigurationError:
        path = named[:LONGEST_PATH]
    attempt = _attempt(request, path) if action == "read" else None
    if attempt is not None:
        request[_ATTEMPT] = attempt
    visitor = await request.app[GUARD].enter(request, action, path, same_origin=same_origin)
    if attempt is not None:
        attempt.reached("authorised")
    try:
        if action == "read":
            await request.app[RELAY].prepare(path)
        else:
            request.app[VISITS].prepare_publisher(normal_path(path))
    except ConfigurationError:
        raise nothing_at(path) from None
    except SourceError as error:
        raise Refused(404, message_of(error)) from None
    if attempt is not None:
        sid, journeys = sid_of(request.query, request.headers), request.app[JOURNEYS]
        if sid is not None and journeys is not None:
            journeys.players.expect(sid, attempt)
    return Viewer(
        path=path,
        action=action,
        user=visitor.user,
        ticket=visitor.ticket,
        purpose=visitor.purpose,
        peer=visitor.peer,
        secure=visitor.secure,
        user_agent=request.headers.get(hdrs.USER_AGENT),
        attempt=attempt,
    )


def note_refusal(request: web.Request, status: int) -> None:
    """The attempt to view that a request began has come to nothing, where it began one."""
    attempt = request.get(_ATTEMPT)
    if attempt is not None:
        attempt.refused(status, credentials=hdrs.AUTHORIZATION in request.headers)


def note_left(request: web.Request) -> None:
    """Who sent a request has left before it was answered."""
    attempt = request.get(_ATTEMPT)
    if attempt is not None:
        attempt.ended("the client left")


def _attempt(request: web.Request, path: str) -> Attempt | None:
    """The attempt to view that a request begins, where it is one and is counted."""
    journeys, means = request.app[JOURNEYS], _MEANS.get(request.path.rpartition("/")[2])
    if journeys is None or means is None:
        return None
    _, secure = request.app[CONNECTIONS].client_of(request)
    user_agent = request.headers.get(hdrs.USER_AGENT)
    return journeys.begin(path, means, user_agent=user_agent, secure=secure)


async def begin_visit(request: web.Request, viewer: Viewer, means: Means) -> Visit:
    """Begins the session of who was admitted.

    Refused with 404 when there is no stream to read, and with 503 when there are too many sessions, or it
    cannot be put on record.
    """
    return await request.app[VISITS].begin(viewer, means)


def nothing_at(path: str) -> Refused:
    """That there is no stream at a path."""
    return Refused(
        404,
        Message(
            "There is no stream at {path} now: GET /api/v1/streams lists those that there are.",
            path=repr(path),
        ),
    )


class Visit:
    """A session of a browser that this program carries; it ends with ``async with``, or with :meth:`end`."""

    def __init__(self, handle: WebSession) -> None:
        self.handle: Final = handle
        """Counts what is sent; see :class:`relaycore._relaycore.WebSession`."""
        self.session: Final = handle.session
        """The session as others see it."""
        self.ended: Final = asyncio.Event()
        """Set when it has ended, whoever ended it: then nothing more is to be sent."""
        self.reason: str | None = None
        """Why it has ended."""

    def end(self, reason: str = "the client left") -> None:
        """Ends it, unless it has ended already."""
        self.handle.end(reason)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Visits:
    """The sessions of browsers at one relay. All methods are called from the loop."""

    def __init__(self, engine: Engine, entrance: Entrance) -> None:
        self._engine = engine
        self._entrance = entrance
        self._visits: WeakValueDictionary[str, Visit] = WeakValueDictionary()

    def prepare_publisher(self, path: str) -> None:
        """Makes a path ready for a publisher."""
        self._entrance.prepare_publisher(path)

    async def begin(self, viewer: Viewer, means: Means) -> Visit:
        """Begins a session; see :func:`begin_visit`."""
        try:
            handle = self._engine.begin_session(
                viewer.path,
                means,
                peer=viewer.peer,
                action=viewer.action,
                user=viewer.user,
                ticket=viewer.ticket,
                user_agent=viewer.user_agent,
                secure=viewer.secure,
            )
        except KeyError:
            raise nothing_at(viewer.path) from None
        except RuntimeError as error:
            raise _try_again(message_of(error)) from None
        if viewer.attempt is not None:
            viewer.attempt.became(handle.session)
        visit = Visit(handle)
        self._visits[visit.session.id] = visit
        try:
            await self.admit(visit.session)
        except BaseException:
            visit.end("refused")
            raise
        return visit

    async def admit(self, session: Session) -> None:
        """Returns when the media of a session that has begun may flow. Refused when it may not."""
        # Who counts sessions has to know of it first.
        self._entrance.drain()
        answered: asyncio.Future[Refuse | None] = asyncio.get_running_loop().create_future()

        def answer(refused: Refuse | None) -> None:
            if not answered.done():
                answered.set_result(refused)

        self._entrance.admit(session, answer)
        refused = await answered
        if refused is not None:
            if refused.status in (_NOT_ENOUGH, 503):
                raise _try_again(refused.reason)
            raise Refused(refused.status, f"{refused.reason}.")

    def on_session(self, happened: SessionEvent) -> None:
        """A session has begun or ended."""
        visit = self._visits.pop(happened.session.id, None) if happened.kind == "ended" else None
        if visit is not None:
            visit.reason = happened.reason
            visit.ended.set()


def _try_again(reason: str) -> Refused:
    return Refused(503, Message("{reason}.", reason=reason), headers=((hdrs.RETRY_AFTER, _RETRY_S),))
