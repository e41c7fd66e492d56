"""The paths: what is to happen at them, and what is live."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import msgspec
from aiohttp import web

from relaycore._relaycore import Session
from relaycore.errors import PathError, RelaycoreError
from relaycore.language import Message, message_of, shown
from relaycore.paths.forward import ForwardStatus
from relaycore.paths.source import SourceStatus
from relaycore.settings import PathSettings, masked
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer, read_json
from relaycore.web.api import streams
from relaycore.web.api.asked import asked_path
from relaycore.web.api.endings import EndingView, endings
from relaycore.web.api.path_body import checked_settings, shown_settings
from relaycore.web.api.toml_table import toml_table
from relaycore.web.keys import RELAY, SESSION_IDS
from relaycore.web.routes import USER, Answered, Route, query_of
from relaycore.web.session_ids import SessionIds

__all__ = ["ROUTES", "PathChanged", "PathList", "PathView", "Publisher"]

_log = logging.getLogger(__name__)

_PATH = {"path": "The path, such as `front` or `house/front`, as it is or percent-encoded."}
_NO_PATH = Answered("There is no such path.", Problem)
_NOT_RIGHT = Answered("The settings have mistakes, and nothing was changed.", Problem)

UNTIL_RESTART = Message(
    "This lasts until the relay is started again or reads its configuration file. To keep it, "
    "paste the TOML into that file."
)
UNTIL_RESTART_REMOVED = Message(
    "This lasts until the relay is started again or reads its configuration file. To keep it, "
    "remove the table of the path from that file."
)


class Publisher(msgspec.Struct, frozen=True, kw_only=True):
    """The session that publishes to a path."""

    session: str
    user: str | None
    peer: str
    user_agent: str | None


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """How the source of a path does."""

    state: Literal["off", "starting", "live", "failed"]
    """``off`` is one on demand that nobody reads, or a stopped one; one that ``failed`` is tried again and
    again."""
    current: str | None
    """The one that feeds the stream, without user and password."""
    error: str | None
    """What went wrong last."""
    switches: int
    """How often another of the listed sources took its turn."""


class ForwardView(msgspec.Struct, frozen=True, kw_only=True):
    """How the way to another server does."""

    target: str
    """Its URL, without user and password."""
    state: Literal["connecting", "live", "failed"]
    error: str | None
    discarded: int
    """Access units that were not sent, because the server was too slow."""


class PathView(msgspec.Struct, frozen=True, kw_only=True):
    """A path: what is to happen at it, and what is live."""

    path: str
    kind: Literal["camera", "configured", "free"]
    """Fed by a camera of this machine; named in the settings; or neither, and only live."""
    ready: bool
    """Whether it has a stream that is fed; one that lost its publisher may still be there for a while."""
    stopped: bool
    """Whether somebody has stopped its camera or its source."""
    settings: PathSettings | None
    """What was set for it, without passwords and tokens in URLs; null where nothing was."""
    source: SourceView | None
    """Null where the settings name none."""
    publisher: Publisher | None
    """Who publishes to it now."""
    rendition: str | None
    """The path of what ``transcode`` makes of it now."""
    forwards: list[ForwardView]
    stream: streams.StreamView | None
    """What is live; null where nothing is."""


class PathList(msgspec.Struct, frozen=True, kw_only=True):
    """All paths that are configured or live, by name."""

    paths: list[PathView]


class PathQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to change a path."""

    dry_run: bool = False
    """Change nothing, and tell what would end."""


class PathRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a path were forgotten."""

    path: str
    dry_run: bool
    """Whether this is only what would be."""
    ended: list[EndingView]
    """The sessions that ended by it."""
    lasts: str
    """For how long, and how to keep it."""


class PathChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A path was added or changed."""

    path: str
    dry_run: bool
    """Whether this is only what would be."""
    ended: list[EndingView]
    """The sessions that ended by it."""
    settings: PathSettings
    """What is to happen at it now, without passwords and tokens in URLs."""
    lasts: str
    """For how long, and how to keep it."""
    toml: str
    """What the request set, as a table of the configuration file."""


async def list_paths(request: web.Request) -> web.Response:
    """Answers with all paths."""
    return json_answer(200, PathList(paths=_views(request)))


async def get_path(request: web.Request) -> web.Response:
    """Answers with one path."""
    path = asked_path(request)
    for found in _views(request):
        if found.path == path:
            return json_answer(200, found)
    raise _no_path(path)


async def put_path(request: web.Request) -> web.Response:
    """Adds a path, or gives it other settings."""
    relay = request.app[RELAY]
    path = asked_path(request)
    body = await read_json(request)
    dry_run = query_of(request, PathQuery).dry_run
    settings = checked_settings(relay, path, body)
    is_new = path not in relay.paths
    try:
        if dry_run:
            plan = await relay.set_path(path, settings, dry_run=True)
        else:
            async with recorded(request, "setPath", path):
                plan = await relay.set_path(path, settings)
    except RelaycoreError as error:
        raise Refused(409, message_of(error)) from None
    if not dry_run:
        _log.info("path set by request", extra={"path": path, "user": request[USER]})
    changed = PathChanged(
        path=path,
        dry_run=dry_run,
        ended=endings(plan, request.app[SESSION_IDS]),
        settings=shown_settings(settings),
        lasts=shown(UNTIL_RESTART),
        toml=toml_table("paths", path, body),
    )
    return json_answer(201 if is_new and not dry_run else 200, changed)


async def delete_path(request: web.Request) -> web.Response:
    """Forgets what is to happen at a path, and ends what the settings had begun."""
    relay = request.app[RELAY]
    path = asked_path(request)
    dry_run = query_of(request, PathQuery).dry_run
    try:
        plan = await relay.remove_path(path, dry_run=True)
        if not dry_run:
            async with recorded(request, "removePath", path):
                plan = await relay.remove_path(path)
    except PathError:
        raise _no_path(path) from None
    if not dry_run:
        _log.info("path removed by request", extra={"path": path, "user": request[USER]})
    return json_answer(
        200,
        PathRemoved(
            path=path,
            dry_run=dry_run,
            ended=endings(plan, request.app[SESSION_IDS]),
            lasts=shown(UNTIL_RESTART_REMOVED),
        ),
    )


class PathStopped(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds a path was stopped."""

    path: str
    lasts: str
    """For how long."""


UNTIL_STARTED = Message("This lasts until it is started, here or with the relay.")


async def stop_source(request: web.Request) -> web.Response:
    """Stops what feeds a path."""
    relay = request.app[RELAY]
    path = asked_path(request)
    try:
        async with recorded(request, "stopSource", path):
            await relay.stop_source(path)
    except PathError as error:
        raise _nothing_to_start(request, path, error) from None
    _log.info("source stopped by request", extra={"path": path, "user": request[USER]})
    return json_answer(200, PathStopped(path=path, lasts=shown(UNTIL_STARTED)))


async def start_source(request: web.Request) -> web.Response:
    """Starts what feeds a path."""
    relay = request.app[RELAY]
    path = asked_path(request)
    try:
        async with recorded(request, "startSource", path):
            await relay.start_source(path)
    except PathError as error:
        raise _nothing_to_start(request, path, error) from None
    except RelaycoreError as error:
        raise Refused(409, message_of(error)) from None
    _log.info("source started by request", extra={"path": path, "user": request[USER]})
    return await get_path(request)


def _nothing_to_start(request: web.Request, path: str, error: PathError) -> Refused:
    if all(found.path != path for found in _views(request)):
        return _no_path(path)
    return Refused(
        409, Message("{error} Only cameras and sources of the relay can be stopped and started.", error=error)
    )


def _views(request: web.Request) -> list[PathView]:
    relay, ids = request.app[RELAY], request.app[SESSION_IDS]
    live = {stream.path: stream for stream in relay.streams()}
    stopped, settings = relay.stopped, relay.paths
    cameras = {*relay.config.cameras, *(path for path, stream in live.items() if stream.camera is not None)}
    cameras |= stopped - settings.keys()
    publishers = {session.path: session for session in relay.sessions() if session.action == "publish"}
    statuses = {status.path: status for status in relay.path_status()}
    views = []
    for name in sorted({*live, *publishers, *settings, *cameras}):
        configured, stream, session = settings.get(name), live.get(name), publishers.get(name)
        status = statuses.get(name)
        views.append(
            PathView(
                path=name,
                kind="camera" if name in cameras else "free" if configured is None else "configured",
                ready=status is not None and status.ready,
                stopped=name in stopped,
                settings=None if configured is None else shown_settings(configured),
                source=None if status is None or status.source is None else _source(status.source),
                publisher=None if session is None else _publisher(session, ids),
                rendition=None if status is None else status.rendition,
                forwards=[] if status is None else [_forward(forward) for forward in status.forwards],
                stream=None if stream is None else streams.view(stream, relay.urls(name)),
            )
        )
    return views


def _source(status: SourceStatus) -> SourceView:
    return SourceView(
        state=status.state,
        current=status.current,
        error=None if status.error is None else masked(shown(status.error)),
        switches=status.switches,
    )


def _publisher(session: Session, ids: SessionIds) -> Publisher:
    return Publisher(
        session=ids.of(session), user=session.user, peer=session.peer, user_agent=session.user_agent
    )


def _forward(status: ForwardStatus) -> ForwardView:
    return ForwardView(
        target=status.target,
        state=status.state,
        error=None if status.error is None else masked(shown(status.error)),
        discarded=status.discarded,
    )


def _no_path(path: str) -> Refused:
    return Refused(
        404,
        Message("There is no path {path}: GET /api/v1/paths lists those that there are.", path=repr(path)),
    )


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/paths",
        name="listPaths",
        summary="All paths that are configured or live: their settings, publishers and streams.",
        access="read",
        handler=list_paths,
        answers={200: Answered("The paths.", PathList)},
    ),
    Route(
        method="GET",
        path="/api/v1/paths/{path}",
        name="getPath",
        summary="One path.",
        access="read",
        handler=get_path,
        parameters=_PATH,
        answers={200: Answered("The path.", PathView), 404: _NO_PATH},
    ),
    Route(
        method="PUT",
        path="/api/v1/paths/{path}",
        name="setPath",
        summary="Adds a path, or gives it these settings in place of those that it had. Lasts until the "
        "relay is started again; the answer holds the TOML for its file. Hooks can be set in the file only.",
        access="write",
        handler=put_path,
        body=PathSettings,
        query=PathQuery,
        parameters=_PATH,
        answers={
            200: Answered("It is changed, or would be.", PathChanged),
            201: Answered("It is added.", PathChanged),
            409: Answered("It cannot be done now.", Problem),
            422: _NOT_RIGHT,
        },
    ),
    Route(
        method="POST",
        path="/api/v1/paths/{path}/stop",
        name="stopSource",
        summary="Stops the camera or the source of a path, and so its stream, until it is started again.",
        access="write",
        handler=stop_source,
        parameters=_PATH,
        answers={
            200: Answered("It is stopped.", PathStopped),
            404: _NO_PATH,
            409: Answered("The path has neither.", Problem),
        },
    ),
    Route(
        method="POST",
        path="/api/v1/paths/{path}/start",
        name="startSource",
        summary="Starts the camera or the source of a path again that was stopped.",
        access="write",
        handler=start_source,
        parameters=_PATH,
        answers={
            200: Answered("It is started.", PathView),
            404: _NO_PATH,
            409: Answered("The path has neither, or the camera does not open.", Problem),
        },
    ),
    Route(
        method="DELETE",
        path="/api/v1/paths/{path}",
        name="removePath",
        summary="Forgets the settings of a path, until the relay is started again, and ends its source.",
        access="write",
        handler=delete_path,
        parameters=_PATH,
        query=PathQuery,
        answers={200: Answered("They are forgotten.", PathRemoved), 404: _NO_PATH},
    ),
)
