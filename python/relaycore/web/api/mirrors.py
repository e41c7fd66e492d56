"""Streams that show what another one shows, and what is made to go wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from aiohttp import web

from relaycore.errors import PathError
from relaycore.language import message_of
from relaycore.settings import Faults
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer, read_json
from relaycore.web.api.asked import asked_path, checked_table
from relaycore.web.keys import RELAY
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "MirrorList", "MirrorView"]

_log = logging.getLogger(__name__)


class MirrorView(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that shows another one."""

    path: str
    of: str
    """Path of the stream that it shows."""
    faults: Faults
    """What is made to go wrong with it."""


class MirrorList(msgspec.Struct, frozen=True, kw_only=True):
    """Mirrors by path."""

    mirrors: list[MirrorView]


async def list_mirrors(request: web.Request) -> web.Response:
    """Answers with all mirrors."""
    relay = request.app[RELAY]
    return json_answer(
        200,
        MirrorList(
            mirrors=[
                MirrorView(path=path, of=of, faults=relay.faults(path))
                for path, of in sorted(relay.mirrors().items())
            ]
        ),
    )


async def put_faults(request: web.Request) -> web.Response:
    """Makes other things go wrong with a mirror."""
    relay = request.app[RELAY]
    path = asked_path(request)
    faults = checked_table(Faults, await read_json(request), "faults", path)
    try:
        async with recorded(request, "set_faults", path):
            relay.set_faults(path, faults)
    except PathError as error:
        raise Refused(404, message_of(error)) from None
    _log.info("faults set by request", extra={"path": path, "user": request[USER]})
    return json_answer(200, MirrorView(path=path, of=relay.mirrors()[path], faults=faults))


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/mirrors",
        name="listMirrors",
        summary="The streams that show another one, and what is made to go wrong with each.",
        access="write",
        handler=list_mirrors,
        answers={200: Answered("The mirrors.", MirrorList)},
    ),
    Route(
        method="PUT",
        path="/api/v1/mirrors/{path}",
        name="setFaults",
        summary="Makes things go wrong with a mirror, in place of what did before: packets that are lost or "
        "late, a clock that is wrong, readers that are refused, or nothing at all.",
        access="write",
        handler=put_faults,
        body=Faults,
        parameters={"path": "The path of a mirror, as it is or percent-encoded."},
        answers={
            200: Answered("It is so from now on.", MirrorView),
            404: Answered("There is no mirror at the path.", Problem),
            422: Answered("The body has mistakes, and nothing was changed.", Problem),
        },
    ),
)
