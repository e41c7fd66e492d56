"""``/PATH/snapshot.jpg`` and ``/PATH/mjpeg``."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from email.utils import formatdate
from secrets import token_hex
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from relaycore.access.answers import host_of
from relaycore.errors import EncoderError, PathError
from relaycore.language import Message, message_of
from relaycore.web.answers import Problem, Refused
from relaycore.web.keys import ENGINE, PICTURES
from relaycore.web.limits import LIMITS
from relaycore.web.pictures.multipart import BOUNDARY, OPENING, Series, SeriesKey
from relaycore.web.pictures.stills import Busy
from relaycore.web.routes import REFUSED_ENTRY, Answered, Route, query_of
from relaycore.web.viewing import Visit, admit_viewer, begin_visit, nothing_at

__all__ = ["ROUTES", "SeriesQuery", "StillQuery"]

SECOND: Final = 1_000_000_000

_RUN: Final = token_hex(4)
"""Tells the pictures of this run of the program from those of others, whose clock had another zero."""

GRACE_S: Final = 0.2
"""Seconds in which a series of a session that has ended may end by itself."""

Width = Annotated[int, Meta(ge=16, le=3840)]

_PRIVATE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class StillQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How the picture is to be. Other parameters are left alone: pages add some against caches."""

    width: Width | None = None
    """At most this many pixels wide; it is not made larger."""


class SeriesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How the pictures are to be."""

    width: Width | None = None
    """At most this many pixels wide; they are not made larger."""

    fps: Annotated[float, Meta(ge=0.1, le=60)] | None = None
    """At most this many a second."""


async def get_snapshot(request: web.Request) -> web.Response:
    """Answers with the newest picture of a stream."""
    viewer = await admit_viewer(request)
    query = query_of(request, StillQuery)
    who = viewer.path, viewer.user, viewer.ticket, host_of(viewer.peer), viewer.user_agent
    # Who looks again and again is one viewer.
    visit = await request.app[PICTURES].visits.visit(who, lambda: begin_visit(request, viewer, "mjpeg"))
    try:
        still = await request.app[PICTURES].stills.newest(viewer.path, query.width)
    except PathError:
        raise nothing_at(viewer.path) from None
    except EncoderError as error:
        raise Refused(404, message_of(error)) from None
    except TimeoutError:
        raise _later(Message("There is no picture yet")) from None
    except Busy:
        raise _later(Message("Too many pictures are being made")) from None
    taken_ns = request.app[ENGINE].unix_ns(still.captured_ns)
    tag = f'"{_RUN}-{still.captured_ns:x}-{query.width or 0}"'
    headers = {
        **_PRIVATE,
        # Kept by nobody but who asked, and never shown again without asking.
        hdrs.CACHE_CONTROL: "private, no-cache",
        hdrs.ETAG: tag,
        hdrs.LAST_MODIFIED: formatdate(taken_ns / SECOND, usegmt=True),
    }
    known = request.headers.get(hdrs.IF_NONE_MATCH, "")
    if tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return web.Response(status=304, headers=headers)
    if request.method != hdrs.METH_HEAD:
        visit.handle.add(len(still.data))
        visit.handle.first_picture()
    return web.Response(body=still.data, content_type="image/jpeg", headers=headers)


async def get_mjpeg(request: web.Request) -> web.StreamResponse:
    """Answers with pictures until the viewer leaves or the stream ends."""
    viewer = await admit_viewer(request)
    query = query_of(request, SeriesQuery)
    series = request.app[PICTURES].series
    try:
        async with series.watched(SeriesKey(viewer.path, query.width, query.fps)) as watched:
            async with asyncio.timeout(request.app[LIMITS].timeout_s):
                first = await watched.next(0)
            if first is None:
                raise nothing_at(viewer.path)
            visit = await begin_visit(request, viewer, "mjpeg")
            response = web.StreamResponse(headers={**_PRIVATE, hdrs.CACHE_CONTROL: "no-store"})
            response.content_type = "multipart/x-mixed-replace"
            response.headers[hdrs.CONTENT_TYPE] = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
            response.force_close()
            if request.method == hdrs.METH_HEAD:
                visit.end()
                return response
            async with visit:
                await response.prepare(request)
                await _while_allowed(request, visit, _send(request, response, watched, first, visit))
            return response
    except PathError:
        raise nothing_at(viewer.path) from None
    except EncoderError as error:
        raise Refused(404, message_of(error)) from None
    except TimeoutError:
        raise _later(Message("There is no picture yet")) from None
    except Busy:
        raise _later(Message("Too many sizes and rates of pictures are being watched")) from None


async def _while_allowed(request: web.Request, visit: Visit, sending: Coroutine[None, None, None]) -> None:
    """Sends until that ends, or the session does. Nothing more goes out then, whatever waits."""
    task, ended = asyncio.ensure_future(sending), asyncio.ensure_future(visit.ended.wait())
    try:
        await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
        # A session also ends with its stream, and then so do the pictures.
        await asyncio.wait({task}, timeout=GRACE_S)
    finally:
        unfinished = task.cancel()
        ended.cancel()
        await asyncio.gather(task, ended, return_exceptions=True)
        if unfinished and request.transport is not None:
            request.transport.abort()


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    series: Series,
    first: tuple[int, bytes],
    visit: Visit,
) -> None:
    """Sends parts: the newest whenever the one before is taken. Who takes none for too long is left."""
    limit = request.app[LIMITS].timeout_s
    newest: tuple[int, bytes] | None = (first[0], OPENING + first[1])
    before = first[0]
    try:
        while newest is not None:
            number, part = newest
            async with asyncio.timeout(limit):
                await response.write(part)
            visit.handle.add(len(part))
            visit.handle.first_picture()
            visit.handle.add_discarded(max(0, number - before - 1))
            before = number
            newest = await series.next(number)
    except (EncoderError, PathError):
        return  # it has ended, as if there were no more
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()


def _later(reason: str) -> Refused:
    return Refused(
        503, Message("{reason}: try again in a moment.", reason=reason), headers=((hdrs.RETRY_AFTER, "1"),)
    )


_PARAMETERS: Final = {"path": "The path, such as `front` or `house/front`."}
_REFUSED: Final = {
    400: Answered("The query is not right.", Problem),
    **REFUSED_ENTRY,
    404: Answered("There is no stream, or one without pictures.", Problem),
    503: Answered("There is no picture yet, or too much is asked at a time.", Problem),
}

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/{path}/snapshot.jpg",
        name="getSnapshot",
        summary="The newest picture of a stream as JPEG.",
        access="open",
        handler=get_snapshot,
        embeddable=True,
        parameters=_PARAMETERS,
        query=StillQuery,
        answers={
            200: Answered("The picture.", media_type="image/jpeg"),
            304: Answered("It is the one that you have."),
            **_REFUSED,
        },
    ),
    Route(
        method="GET",
        path="/snapshot.jpg",
        name="getOnlySnapshot",
        summary="The newest picture of the camera as JPEG, where there is exactly one.",
        access="open",
        handler=get_snapshot,
        embeddable=True,
        query=StillQuery,
        answers={
            200: Answered("The picture.", media_type="image/jpeg"),
            304: Answered("It is the one that you have."),
            **_REFUSED,
        },
    ),
    Route(
        method="GET",
        path="/{path}/mjpeg",
        name="getMjpeg",
        summary="The pictures of a stream as Motion JPEG, each replacing the one before.",
        access="open",
        handler=get_mjpeg,
        embeddable=True,
        parameters=_PARAMETERS,
        query=SeriesQuery,
        answers={200: Answered("The pictures.", media_type="multipart/x-mixed-replace"), **_REFUSED},
    ),
)
"""Open to who may read the path, which they find out themselves."""
