"""``/onvif/device_service`` and its kind: one device with all cameras, and one for each camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from relaycore.onvif.soap import dispatch
from relaycore.web.answers import Problem
from relaycore.web.keys import RELAY
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES"]


async def post_service(request: web.Request) -> web.Response:
    """Answers a request to the device with all cameras."""
    _refuse_where_off(request)
    return await dispatch.answer(request, request.app[RELAY].devices.whole())


async def post_subscription(request: web.Request) -> web.Response:
    """Answers a request to a subscription, which is of whatever device it was made at."""
    return await post_service(request)


async def post_camera_service(request: web.Request) -> web.Response:
    """Answers a request to the device with one camera."""
    _refuse_where_off(request)
    device = request.app[RELAY].devices.of_camera(request.match_info["path"])
    return await dispatch.answer(request, device)


def _refuse_where_off(request: web.Request) -> None:
    if not request.app[RELAY].config.onvif.enabled:
        raise web.HTTPNotFound


_ANSWERS: Final = {
    200: Answered("The answer of the operation.", str, dispatch.MEDIA_TYPE),
    400: Answered(
        "The request cannot be read, or asks for what is not there: a fault.", str, dispatch.MEDIA_TYPE
    ),
    401: Answered("It takes a user: a fault, and a challenge.", str, dispatch.MEDIA_TYPE),
    404: Answered("Requests of ONVIF are not answered here.", Problem),
    500: Answered("There is no such operation, or it failed: a fault.", str, dispatch.MEDIA_TYPE),
}


ROUTES: Final[Sequence[Route]] = (
    Route(
        method=hdrs.METH_POST,
        path="/onvif/{service}",
        name="callOnvif",
        summary="Operations of ONVIF, on all cameras: the body is an envelope of SOAP 1.2.",
        access="open",
        handler=post_service,
        answers=_ANSWERS,
        parameters={"service": "Name of the web service, like device_service."},
    ),
    Route(
        method=hdrs.METH_POST,
        path="/onvif/subscription/{name}",
        name="callOnvifSubscription",
        summary="Operations of ONVIF on one subscription to events.",
        access="open",
        handler=post_subscription,
        answers=_ANSWERS,
        parameters={"name": "The name of the subscription."},
    ),
    Route(
        method=hdrs.METH_POST,
        path="/onvif/{path}/{service}",
        name="callOnvifOfCamera",
        summary="Operations of ONVIF on one camera, which is a device of its own here.",
        access="open",
        handler=post_camera_service,
        answers=_ANSWERS,
        parameters={"path": "The path of the camera.", "service": "Name of the web service."},
    ),
)
"""Access is decided by operation: see :mod:`relaycore.onvif.soap.security`."""
