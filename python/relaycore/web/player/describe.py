"""What a player has to know of a path before it plays: which ways there are, and what is to be read first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from aiohttp import web

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.privacy.record import PathProtocol, protocol_of
from relaycore.settings import IceServer, normal_path
from relaycore.web.answers import Problem, Refused, json_answer
from relaycore.web.keys import GUARD, JOURNEYS, RELAY
from relaycore.web.routes import REFUSED_ENTRY, Answered, Route

__all__ = ["ROUTES", "PlayerDescription", "WebIceServer", "asked_path", "description_of", "web_servers"]

Transport = Literal["webrtc", "mse", "hls", "mjpeg"]

_ADDRESSES: Final[Sequence[tuple[Transport, str]]] = (
    ("webrtc", "/{path}/whep"),
    ("mse", "/{path}/ws"),
    ("hls", "/{path}/index.m3u8"),
    ("mjpeg", "/{path}/mjpeg"),
)

_SILENT: Final[frozenset[Transport]] = frozenset({"mjpeg"})
"""What carries no sound. For the others it is made playable, whatever the path has (docs/paths.md)."""


class WebIceServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A STUN or TURN server, as ``RTCIceServer`` of browsers has it."""

    urls: str
    username: str = ""
    credential: str = ""


class PlayerDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a player has to know of a path."""

    path: str
    live: bool
    """Whether there is a stream at this moment."""
    codecs: list[str]
    """Those of its tracks, such as ``H264`` and ``OPUS``; empty while there is no stream."""
    transports: list[Transport]
    """The ways in which this relay can give it to a browser."""
    silent: list[Transport]
    """Those of them that do not carry the sound of this stream; all where it has none."""
    reports: bool
    """Whether players report how a playback goes (docs/journeys.md)."""
    ice_servers: list[WebIceServer]
    """Servers that WebRTC may connect through where the relay is not reached directly."""
    notice: PathProtocol | None
    """What is to be shown before the first picture; nothing where the path has no notice."""


def asked_path(request: web.Request) -> str:
    """The path that a request is about. Refused where no stream can have that name."""
    try:
        return normal_path(request.match_info["path"])
    except ConfigurationError:
        raise Refused(
            404,
            Message("There is no such path: GET {list} lists those that there are.", list="/api/v1/paths"),
        ) from None


def description_of(request: web.Request, path: str) -> PlayerDescription:
    """The description of a path for a request that was let in."""
    relay = request.app[RELAY]
    protocol = protocol_of(relay.config, path)
    tracks = next((stream.tracks for stream in relay.streams() if stream.path == path), None)
    served = {resource.canonical for resource in request.app.router.resources()}
    offered = [name for name, address in _ADDRESSES if address in served]
    codecs = [track.codec.upper() for track in tracks or ()]
    has_sound = any(track.kind == "audio" for track in tracks or ())
    return PlayerDescription(
        path=path,
        live=tracks is not None,
        codecs=codecs,
        transports=offered,
        silent=[name for name in offered if name in _SILENT or not has_sound],
        reports=request.app[JOURNEYS] is not None,
        ice_servers=web_servers(relay.config.ice_servers),
        notice=protocol if protocol.notice else None,
    )


def web_servers(servers: Sequence[IceServer]) -> list[WebIceServer]:
    """The servers of the settings, for a page."""
    return [
        WebIceServer(urls=server.url, username=server.username, credential=server.credential)
        for server in servers
    ]


async def get_description(request: web.Request) -> web.Response:
    """Answers with the description of a path, to whoever may read it."""
    path = asked_path(request)
    await request.app[GUARD].enter(request, "read", path)
    return json_answer(200, description_of(request, path))


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/paths/{path}/player",
        name="getPlayer",
        summary="What a web player has to know of a path, for those who may read it; there may be no stream.",
        access="open",
        handler=get_description,
        embeddable=True,
        parameters={"path": "The path, such as `front` or `house/front`, as it is or percent-encoded."},
        answers={
            200: Answered("The description.", PlayerDescription),
            **REFUSED_ENTRY,
            403: Answered("Whoever asks may not read it.", Problem),
            404: Answered("No stream can have that name.", Problem),
            503: Answered("There was no decision in time.", Problem),
        },
    ),
)
