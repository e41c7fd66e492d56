"""Cameras: which there are is told by the paths, see :mod:`relaycore.web.api.paths`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from relaycore.errors import PathError, RelaycoreError
from relaycore.language import message_of, shown
from relaycore.settings import CameraSettings
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer, read_json
from relaycore.web.api.asked import asked_path, checked_table
from relaycore.web.api.paths import UNTIL_RESTART, UNTIL_RESTART_REMOVED
from relaycore.web.api.toml_table import toml_table
from relaycore.web.keys import RELAY
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "CameraAdded", "CameraRemoved"]

_log = logging.getLogger(__name__)

_PATH: Final = {"path": "The path, such as `front` or `house/front`, as it is or percent-encoded."}


class CameraAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A camera delivers."""

    path: str
    device: str
    """What was opened."""
    mode: str
    """What it was asked for."""
    reason: str
    """What a person should know of the choice; empty where there is nothing."""
    lasts: str
    """For how long, and how to keep it."""
    toml: str
    """What the request set, as a table of the configuration file."""


class CameraRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """A camera was closed, and is forgotten."""

    path: str
    lasts: str
    """For how long, and how to keep it."""


async def put_camera(request: web.Request) -> web.Response:
    """Opens a camera and serves it at a path that is free."""
    relay = request.app[RELAY]
    path = asked_path(request)
    body = await read_json(request)
    settings = checked_table(CameraSettings, body, "cameras", path)
    try:
        async with recorded(request, "addCamera", path):
            await relay.set_camera(path, settings)
    except RelaycoreError as error:
        raise Refused(409, message_of(error)) from None
    _log.info("camera added by request", extra={"path": path, "user": request[USER]})
    status = next((stream.camera for stream in relay.streams() if stream.path == path), None)
    return json_answer(
        201,
        CameraAdded(
            path=path,
            device="" if status is None else status.description.source,
            mode="" if status is None else status.description.mode,
            reason="" if status is None else shown(status.description.reason),
            lasts=shown(UNTIL_RESTART),
            toml=toml_table("cameras", path, body),
        ),
    )


async def delete_camera(request: web.Request) -> web.Response:
    """Closes a camera, and forgets it."""
    relay = request.app[RELAY]
    path = asked_path(request)
    try:
        async with recorded(request, "removeCamera", path):
            await relay.remove_camera(path)
    except PathError as error:
        raise Refused(404, message_of(error)) from None
    _log.info("camera removed by request", extra={"path": path, "user": request[USER]})
    return json_answer(200, CameraRemoved(path=path, lasts=shown(UNTIL_RESTART_REMOVED)))


ROUTES: Sequence[Route] = (
    Route(
        method="PUT",
        path="/api/v1/cameras/{path}",
        name="addCamera",
        summary="Opens a camera of the machine, a media file or the test pattern, and serves it at a path "
        "that is free. Answers when it delivers. Lasts until the relay is started again.",
        access="write",
        handler=put_camera,
        body=CameraSettings,
        parameters=_PATH,
        answers={
            201: Answered("It delivers.", CameraAdded),
            409: Answered("The path is taken, or the camera does not open.", Problem),
            422: Answered("The settings have mistakes, and nothing was changed.", Problem),
        },
    ),
    Route(
        method="DELETE",
        path="/api/v1/cameras/{path}",
        name="removeCamera",
        summary="Closes a camera, ends its stream and forgets it, until the relay is started again.",
        access="write",
        handler=delete_camera,
        parameters=_PATH,
        answers={
            200: Answered("It is closed.", CameraRemoved),
            404: Answered("There is no camera at the path.", Problem),
        },
    ),
)
