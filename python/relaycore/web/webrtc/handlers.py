"""``/PATH/whep`` to watch and ``/PATH/whip`` to publish, and the addresses of the sessions that come of it.

A client sends an offer and gets an answer, with the address of its session: whoever knows that may end it,
which is nobody but the client. Media then flows between the client and the engine; nothing of it passes here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

from aiohttp import hdrs, web

from relaycore._relaycore import OfferRefused
from relaycore.errors import ConfigurationError, PathError, SourceError
from relaycore.language import Message
from relaycore.settings import normal_path
from relaycore.web.answers import Problem, Refused, read_body
from relaycore.web.keys import AGREEMENTS, ENGINE, GUARD, RELAY
from relaycore.web.player.describe import asked_path
from relaycore.web.routes import REFUSED_ENTRY, Answered, Route
from relaycore.web.viewing import admit_viewer, begin_visit
from relaycore.web.webrtc.agreements import Agreement, ufrag_of

__all__ = ["ROUTES"]

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"

SOUNDS: Final = ("opus", "pcmu", "pcma")
"""Codecs of sound that every browser plays by WebRTC (RFC 7874 section 3)."""

MOST_BYTES: Final = 64 * 1024
"""Bytes of an offer or a fragment; see ``webrtc::MOST_DESCRIPTION_BYTES`` in the engine."""

_PRIVATE: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
}


async def post_whep(request: web.Request) -> web.Response:
    """Answers an offer to watch."""
    return await _agree(request, "read")


async def post_whip(request: web.Request) -> web.Response:
    """Answers an offer to publish."""
    return await _agree(request, "publish")


async def _agree(request: web.Request, action: Literal["read", "publish"]) -> web.Response:
    viewer = await admit_viewer(request, action)
    offer = await _text(request, SDP)
    visit = await begin_visit(request, viewer, "webrtc")
    try:
        sound = await _sound(request, viewer.path) if action == "read" and "m=audio" in offer else None
        answer_offer = partial(request.app[ENGINE].answer_offer, visit.handle, offer, sound=sound)
        answer = await asyncio.to_thread(answer_offer)
    except OfferRefused as refused:
        status, reason = refused.args
        visit.end("the offer was refused")
        raise Refused(status, f"{reason[0].upper()}{reason[1:]}.") from None
    except BaseException:
        visit.end()
        raise
    kept = request.app[AGREEMENTS].keep(viewer.path, visit, offer)
    headers = {
        **_PRIVATE,
        hdrs.LOCATION: f"{request.rel_url.raw_path}/{kept.key}",
        hdrs.ETAG: kept.tag,
        "Accept-Patch": FRAGMENT,
    }
    response = web.Response(status=201, text=answer, content_type=SDP, headers=headers)
    _tell_servers(request, response)
    return response


async def _sound(request: web.Request, path: str) -> str | None:
    """The path with the sound of a stream where that is another one. Pictures come also without."""
    try:
        return await request.app[RELAY].playable_sound(path, SOUNDS)
    except (PathError, SourceError):
        return None


async def patch_session(request: web.Request) -> web.Response:
    """Takes candidates of the client (RFC 9725 section 4.3.2), which is reached without them as well.

    A client whose network has changed begins another ICE session with ``*``, whatever the former one was.
    """
    kept = _session(request)
    wanted = request.headers.get(hdrs.IF_MATCH)
    if wanted is None:
        raise Refused(428, Message("Say in If-Match which ICE session the candidates are of: its ETag."))
    fragment = await _text(request, FRAGMENT)
    ufrag = ufrag_of(fragment)
    if wanted.strip() == "*":
        return await _restart(request, kept, fragment)
    is_of_other = ufrag is not None and ufrag != kept.ufrag
    if is_of_other or kept.tag not in (each.strip() for each in wanted.split(",")):
        raise Refused(412, Message("The candidates are of another ICE session."))
    request.app[ENGINE].add_candidates(kept.visit.handle, fragment)
    return web.Response(status=204, headers={**_PRIVATE, hdrs.ETAG: kept.tag})


async def _restart(request: web.Request, kept: Agreement, fragment: str) -> web.Response:
    restart = partial(request.app[ENGINE].restart_ice, kept.visit.handle, fragment)
    try:
        answer = await asyncio.to_thread(restart)
    except OfferRefused as refused:
        status, reason = refused.args
        raise Refused(status, f"{reason[0].upper()}{reason[1:]}.") from None
    renewed = request.app[AGREEMENTS].renew(kept, fragment)
    headers = {**_PRIVATE, hdrs.ETAG: renewed.tag}
    return web.Response(text=answer, content_type=FRAGMENT, headers=headers)


async def delete_session(request: web.Request) -> web.Response:
    """Ends a session, also one that has just ended by itself."""
    if not request.app[AGREEMENTS].has_just_ended(request.match_info["session"]):
        _session(request).visit.end("the client ended it")
    return web.Response(headers=_PRIVATE)


async def show_whep(request: web.Request) -> web.Response:
    """Says what may be posted to watch, and which servers there are."""
    return await _abilities(request, "read")


async def show_whip(request: web.Request) -> web.Response:
    """Says what may be posted to publish, and which servers there are."""
    return await _abilities(request, "publish")


async def _abilities(request: web.Request, action: Literal["read", "publish"]) -> web.Response:
    response = web.Response(status=204, headers={**_PRIVATE, "Accept-Post": SDP})
    if request.app[RELAY].config.ice_servers:
        # Their credentials are for those who may connect.
        await request.app[GUARD].enter(request, action, asked_path(request))
        _tell_servers(request, response)
    return response


def _tell_servers(request: web.Request, response: web.Response) -> None:
    """Names the servers that a client may connect through (RFC 9725 section 4.6)."""
    for server in request.app[RELAY].config.ice_servers:
        link = f'<{server.url}>; rel="ice-server"'
        if server.credential:
            link += f"; username={_quoted(server.username)}; credential={_quoted(server.credential)}"
            link += '; credential-type="password"'
        response.headers.add("Link", link)


def _quoted(text: str) -> str:
    """A text as a quoted string (RFC 9110 section 5.6.4)."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _session(request: web.Request) -> Agreement:
    """The session that a request names. Refused where there is none."""
    try:
        path = normal_path(request.match_info["path"])
    except ConfigurationError:
        path = ""
    found = request.app[AGREEMENTS].find(path, request.match_info["session"])
    if found is None:
        raise Refused(404, Message("There is no such session: it has ended, or never was."))
    return found


async def _text(request: web.Request, media_type: str) -> str:
    """The body of a request, which has to be of this type."""
    if request.content_type != media_type:
        raise Refused(
            415,
            Message("Send the body with the header Content-Type: {media_type}.", media_type=media_type),
            headers=(("Accept-Post", media_type),),
        )
    body = await read_body(request)
    if len(body) > MOST_BYTES:
        raise Refused(413, Message("The body is longer than {most} bytes.", most=MOST_BYTES))
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refused(400, Message("The body is not text.")) from None


_PARAMETERS: Final[Mapping[str, str]] = {"path": "The path, such as `front` or `house/front`."}
_OF_SESSION: Final = {**_PARAMETERS, "session": "The key of the session, from `Location`."}

_REFUSED: Final = {
    400: Answered("The offer cannot be understood.", Problem),
    **REFUSED_ENTRY,
    404: Answered("There is nothing at the path.", Problem),
    406: Answered("There is no codec that both sides know.", Problem),
    408: Answered("The body did not come in time.", Problem),
    409: Answered("The path is fed by somebody else, or has just ended.", Problem),
    413: Answered("The body is too long.", Problem),
    415: Answered("The body has another type.", Problem),
    503: Answered("There are too many sessions, or no datagrams can be received.", Problem),
}


def _routes(means: Literal["whep", "whip"], summary: str, embeddable: bool) -> Sequence[Route]:
    """The routes of one way. Open to who may, which they find out themselves."""
    kind = means.capitalize()
    return (
        Route(
            method="POST",
            path=f"/{{path}}/{means}",
            name=f"post{kind}",
            summary=summary,
            access="open",
            handler=post_whep if means == "whep" else post_whip,
            embeddable=embeddable,
            parameters=_PARAMETERS,
            answers={201: Answered("The answer; `Location` is the session.", media_type=SDP), **_REFUSED},
        ),
        Route(
            method="OPTIONS",
            path=f"/{{path}}/{means}",
            name=f"options{kind}",
            summary="What may be posted.",
            access="open",
            handler=show_whep if means == "whep" else show_whip,
            embeddable=embeddable,
            parameters=_PARAMETERS,
            answers={
                204: Answered("In `Accept-Post`; STUN and TURN servers in `Link`."),
                401: Answered("There are servers, and nobody said who asks.", Problem),
                403: Answered("There are servers, and whoever asks may not connect.", Problem),
                404: Answered("There are servers, and no stream can have that name.", Problem),
                421: Answered("The request was sent to a name that is not this server's.", Problem),
                503: Answered("There was no decision in time.", Problem),
            },
        ),
        Route(
            method="PATCH",
            path=f"/{{path}}/{means}/{{session}}",
            name=f"patch{kind}",
            summary="Candidates of the client, or another ICE session (`If-Match: *`).",
            access="open",
            handler=patch_session,
            embeddable=embeddable,
            parameters=_OF_SESSION,
            answers={
                200: Answered("Where to connect anew; `ETag` is new.", media_type=FRAGMENT),
                204: Answered("They were taken."),
                400: Answered("It has no new name and password.", Problem),
                404: Answered("There is no such session.", Problem),
                409: Answered("The session has just ended.", Problem),
                412: Answered("They are of another ICE session.", Problem),
                413: Answered("The body is too long.", Problem),
                415: Answered("The body has another type.", Problem),
                428: Answered("`If-Match` is missing.", Problem),
                503: Answered("No datagrams can be received.", Problem),
            },
        ),
        Route(
            method="DELETE",
            path=f"/{{path}}/{means}/{{session}}",
            name=f"delete{kind}",
            summary="Ends the session.",
            access="open",
            handler=delete_session,
            embeddable=embeddable,
            parameters=_OF_SESSION,
            answers={200: Answered("It has ended."), 404: Answered("There is no such session.", Problem)},
        ),
    )


ROUTES: Sequence[Route] = (
    *_routes("whep", "Watches a path by WebRTC: the body is an offer, the answer comes back.", True),
    *_routes("whip", "Publishes to a path by WebRTC: the body is an offer, the answer comes back.", False),
)
