"""What players in browsers report of how a playback goes: ``POST /PATH/journey``.

No user is asked for: the id in the report is one that was let in to the path not long ago, and nothing but a
few numbers can be said. A player sends it with ``navigator.sendBeacon``, which cannot log in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from relaycore.errors import ConfigurationError
from relaycore.journeys.player import PlayerReport
from relaycore.language import Message
from relaycore.settings import normal_path
from relaycore.web.answers import Problem, Refused, read_json
from relaycore.web.keys import JOURNEYS
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES"]

LONGEST_REPORT: Final = 4096
"""Bytes of a report."""


async def take_report(request: web.Request) -> web.Response:
    """Takes a report and answers with nothing."""
    if (request.content_length or 0) > LONGEST_REPORT:
        raise Refused(
            413,
            Message("A report has at most {longest_report} bytes: send less.", longest_report=LONGEST_REPORT),
        )
    try:
        report = msgspec.convert(await read_json(request), PlayerReport)
    except msgspec.ValidationError as error:
        raise Refused(
            422, Message("The report is not right: {error}. See docs/journeys.md.", error=error)
        ) from None
    journeys = request.app[JOURNEYS]
    try:
        path = normal_path(request.match_info["path"])
    except ConfigurationError:
        path = None
    if journeys is None or path is None or not journeys.players.take(path, report):
        raise Refused(
            404, Message("No player of this id was let in to this path, or its playback has ended.")
        )
    return web.Response(status=204)


ROUTES: Sequence[Route] = (
    Route(
        method="POST",
        path="/{path}/journey",
        name="reportPlayback",
        summary="What a player in a browser saw of a playback; each report replaces the one before. Needs no "
        "user, but an id that a request for media of this path was let in with (`CMCD`, `sid`).",
        access="open",
        handler=take_report,
        embeddable=True,
        body=PlayerReport,
        parameters={"path": "The path, such as `front` or `house/front`, as it is or percent-encoded."},
        answers={
            204: Answered("It was taken."),
            404: Answered("No player of this id was let in to this path.", Problem),
            413: Answered("It is too long.", Problem),
            415: Answered("It is not called JSON.", Problem),
            422: Answered("It is not right.", Problem),
        },
    ),
)
