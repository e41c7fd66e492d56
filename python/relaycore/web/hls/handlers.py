"""``/PATH/index.m3u8`` and what it leads to.

Who opens the first playlist gets a session, whose name is a part of every address in it. It is a secret like
that of a cookie: whoever knows it is that viewer, until the session is ended or nothing is asked for a while.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from secrets import token_urlsafe
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from relaycore.errors import ConfigurationError, EncoderError, PathError, RelaycoreError
from relaycore.language import Message, message_of
from relaycore.settings import normal_path
from relaycore.web.answers import Problem, Refused
from relaycore.web.hls.stream import HlsStream
from relaycore.web.hls.timeline import Beyond
from relaycore.web.keys import HLS, PRESENCE
from relaycore.web.routes import REFUSED_ENTRY, Answered, Route, query_of
from relaycore.web.viewing import Visit, admit_viewer, begin_visit, nothing_at

__all__ = ["ROUTES", "MediaQuery", "ResourceQuery"]

PLAYLIST: Final = "application/vnd.apple.mpegurl"

START_S: Final = 20.0
"""Seconds until a stream that has too few segments to begin with is given up."""

PATIENCE: Final = 3.0
"""Target durations that an answer is held back at most (section 6.2.5.2)."""

Viewing = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}$")]

_MEDIA: Final = re.compile(
    r"(?:init-(?P<init>\d{1,9})|segment-(?P<segment>\d{1,12})|part-(?P<part>\d{1,12}-\d{1,6}))\.mp4"
)

_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_NO_STORE: Final = {**_SAFE, hdrs.CACHE_CONTROL: "no-store"}


class ResourceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. Other parameters are left alone."""

    viewer: Viewing
    """The name of the session, as the playlist has it."""


class MediaQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"msn": "_HLS_msn", "part": "_HLS_part"}):
    """Who asks, and what for (section 6.2.5). ``_HLS_skip`` is not offered, and so left alone."""

    viewer: Viewing
    """The name of the session, as the first playlist has it."""

    msn: Annotated[int, Meta(ge=0, lt=1 << 53)] | None = None
    """The answer waits until it has the segment of this number."""

    part: Annotated[int, Meta(ge=0, lt=1 << 20)] | None = None
    """The answer waits no longer than until it has this part of that segment."""


async def get_index(request: web.Request) -> web.Response:
    """Answers with the multivariant playlist, and begins a session."""
    viewer = await admit_viewer(request)
    if request.method == hdrs.METH_HEAD:
        return web.Response(content_type=PLAYLIST, headers=_NO_STORE)
    name = token_urlsafe(16)
    viewers, key = request.app[HLS].viewers, (viewer.path, name)
    await viewers.visit(key, lambda: begin_visit(request, viewer, "hls"))
    with viewers.waiting(key):
        stream = await _begun(request, viewer.path)
    lines = ["#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-INDEPENDENT-SEGMENTS"]
    peak, average = stream.timeline.bandwidths()
    attributes = [f"BANDWIDTH={peak}", f"AVERAGE-BANDWIDTH={average}"]
    if stream.source.codecs:
        attributes.append(f'CODECS="{stream.source.codecs}"')
    if stream.source.size is not None:
        attributes.append("RESOLUTION={}x{}".format(*stream.source.size))
    if not stream.timeline.is_independent:
        lines.remove("#EXT-X-INDEPENDENT-SEGMENTS")
    lines += [f"#EXT-X-STREAM-INF:{','.join(attributes)}", f"hls/media.m3u8?viewer={name}"]
    return _playlist("\n".join(lines) + "\n")


async def get_media(request: web.Request) -> web.Response:
    """Answers with the media playlist, once it has what is asked for."""
    query = query_of(request, MediaQuery)
    if query.part is not None and query.msn is None:
        raise Refused(400, Message("_HLS_part is a part of the segment that _HLS_msn names: send both."))
    path, _ = await _visit(request, query.viewer)
    with request.app[HLS].viewers.waiting((path, query.viewer)):
        # One that has ended stays what it was: its players are told the end.
        stream = request.app[HLS].streams.known(path)
        if stream is None or not stream.timeline.is_ready:
            stream = await _begun(request, path)
        if query.msn is not None:
            await _wait(stream, _asked(stream, query.msn, query.part))
    return _playlist(stream.timeline.playlist(f"?viewer={query.viewer}"))


async def get_resource(request: web.Request) -> web.Response:
    """Answers with a header, a segment, or a part, which may be one that is being made."""
    query = query_of(request, ResourceQuery)
    path, visit = await _visit(request, query.viewer)
    stream = request.app[HLS].streams.known(path)
    found = _MEDIA.fullmatch(request.match_info["name"])
    if stream is None or found is None:
        raise _gone(request)
    timeline = stream.timeline
    if found["init"] is not None:
        data = timeline.init(int(found["init"]))
    elif found["segment"] is not None:
        data = timeline.segment(int(found["segment"]))
    else:
        number, index = map(int, found["part"].split("-"))
        if timeline.is_hinted(number, index):
            with request.app[HLS].viewers.waiting((path, query.viewer)):
                await _wait(stream, lambda: not timeline.is_hinted(number, index))
        data = timeline.part(number, index)
    if data is None or visit.ended.is_set():
        raise _gone(request)
    if request.method != hdrs.METH_HEAD:
        visit.handle.add(len(data))
        if found["init"] is None:
            visit.handle.first_picture()
    # Nothing under this address changes, and nobody but this viewer has it.
    kept = f"private, max-age={4 * timeline.target_s}, immutable"
    return web.Response(body=data, content_type="video/mp4", headers={**_SAFE, hdrs.CACHE_CONTROL: kept})


def _asked(stream: HlsStream, msn: int, part: int | None) -> Callable[[], bool]:
    try:
        stream.timeline.has(msn, part)
    except Beyond:
        raise Refused(
            400, Message("It takes long until the playlist has that: reload it without _HLS_msn.")
        ) from None

    def is_there() -> bool:
        try:
            return stream.timeline.has(msn, part)
        except Beyond:
            return True  # the stream began a new timeline of parts meanwhile

    return is_there


async def _visit(request: web.Request, name: str) -> tuple[str, Visit]:
    """The path that a request names, and the session of who sent it.

    One who was away too long is asked again who it is, and goes on in a new session.
    """
    app = request.app
    try:
        path = normal_path(request.match_info["path"])
    except ConfigurationError:
        raise nothing_at(request.match_info["path"][:255]) from None

    async def begin() -> Visit:
        return await begin_visit(request, await admit_viewer(request), "hls")

    visit = await app[HLS].viewers.visit((path, name), begin)
    app[PRESENCE].note(request, visit.session.user)
    return path, visit


async def _begun(request: web.Request, path: str) -> HlsStream:
    """The timeline of a path, once it has a playlist."""
    try:
        stream = request.app[HLS].streams.get(path)
        async with asyncio.timeout(START_S):
            await stream.until(lambda: stream.timeline.is_ready)
    except TimeoutError:
        raise _later(Message("There are no whole segments yet")) from None
    except PathError:
        raise nothing_at(path) from None
    except EncoderError as error:
        raise Refused(404, message_of(error)) from None
    if not stream.timeline.is_ready:
        raise nothing_at(path)
    return stream


async def _wait(stream: HlsStream, condition: Callable[[], bool]) -> None:
    """Waits, but not for ever."""
    try:
        async with asyncio.timeout(PATIENCE * stream.timeline.target_s):
            await stream.until(condition)
    except TimeoutError:
        raise _later(Message("Nothing new has come")) from None
    except RelaycoreError:
        return  # it has ended, which the playlist tells


def _playlist(text: str) -> web.Response:
    return web.Response(body=text.encode(), content_type=PLAYLIST, headers=_NO_STORE)


def _gone(request: web.Request) -> Refused:
    return Refused(404, Message("{path} is not there (any more): reload the playlist.", path=request.path))


def _later(reason: str) -> Refused:
    return Refused(
        503, Message("{reason}: try again in a moment.", reason=reason), headers=((hdrs.RETRY_AFTER, "1"),)
    )


_PATH: Final = {"path": "The path, such as `front` or `house/front`."}
_REFUSED: Final = {
    400: Answered("The query is not right.", Problem),
    **REFUSED_ENTRY,
    404: Answered("There is no such thing (any more).", Problem),
    503: Answered("There is nothing yet, or no room for one more session.", Problem),
}
_ENDED: Final = {410: Answered("The session was ended.", Problem)}

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/{path}/index.m3u8",
        name="getHlsIndex",
        summary="A stream by HTTP Live Streaming: the playlist that players open. Begins a session.",
        access="open",
        embeddable=True,
        handler=get_index,
        parameters=_PATH,
        answers={200: Answered("The multivariant playlist.", media_type=PLAYLIST), **_REFUSED},
    ),
    Route(
        method="GET",
        path="/{path}/hls/media.m3u8",
        name="getHlsMedia",
        summary="The segments and parts of a stream, as soon as there is what is asked for.",
        access="open",
        embeddable=True,
        handler=get_media,
        parameters=_PATH,
        query=MediaQuery,
        answers={200: Answered("The media playlist.", media_type=PLAYLIST), **_REFUSED, **_ENDED},
    ),
    Route(
        method="GET",
        path="/{path}/hls/{name}",
        name="getHlsMedium",
        summary="What the media playlist lists.",
        access="open",
        embeddable=True,
        handler=get_resource,
        parameters={**_PATH, "name": "As in the playlist."},
        query=ResourceQuery,
        answers={200: Answered("Fragmented MP4.", media_type="video/mp4"), **_REFUSED, **_ENDED},
    ),
)
"""Open to who may read the path, which they find out themselves."""
