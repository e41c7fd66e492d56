"""What is live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from relaycore.web.answers import json_answer
from relaycore.web.keys import RELAY
from relaycore.web.routes import Answered, Route

if TYPE_CHECKING:
    from relaycore._relaycore import Track
    from relaycore.cameras import CameraStatus
    from relaycore.relay_types import StreamStatus

__all__ = ["ROUTES", "CameraView", "StreamList", "StreamView", "TrackView", "view"]


class TrackView(msgspec.Struct, frozen=True, kw_only=True):
    """One audio or video of a stream."""

    kind: str
    """``video``, ``audio`` or ``application``."""
    codec: str
    clock_rate: int
    """Ticks of media time in a second."""
    channels: int
    """Channels of audio; 0 for others."""


class CameraView(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for a camera, and how it does."""

    device: str
    sound: str | None
    mode: str
    encoder: str


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """What is live at a path, and its counters."""

    path: str
    urls: list[str]
    """Where players find it, the best one first."""
    tracks: list[TrackView]
    camera: CameraView | None
    """Only where a camera of this machine feeds it."""
    readers: int
    access_units: int
    """Access units that were written here; 0 where a publisher sends RTP packets."""
    bytes: int
    """Bytes that came in."""
    packets: int
    """RTP packets that were made of them, or came from a publisher."""
    ring_bursts: int
    """Bursts that are kept for readers that join."""
    ring_bytes: int
    """Bytes that are kept for readers that join."""


class StreamList(msgspec.Struct, frozen=True, kw_only=True):
    """Streams by path."""

    streams: list[StreamView]


def view(stream: StreamStatus, urls: list[str]) -> StreamView:
    """A stream as it is shown."""
    stats = stream.stats
    return StreamView(
        path=stream.path,
        urls=urls,
        tracks=[_track(track) for track in stream.tracks],
        camera=None if stream.camera is None else _camera(stream.camera),
        readers=stats.readers,
        access_units=stats.access_units,
        bytes=stats.bytes,
        packets=stats.packets,
        ring_bursts=stats.ring_bursts,
        ring_bytes=stats.ring_bytes,
    )


async def list_streams(request: web.Request) -> web.Response:
    """Answers with what is live."""
    relay = request.app[RELAY]
    streams = [view(stream, relay.urls(stream.path)) for stream in relay.streams()]
    return json_answer(200, StreamList(streams=streams))


def _track(track: Track) -> TrackView:
    return TrackView(kind=track.kind, codec=track.codec, clock_rate=track.clock_rate, channels=track.channels)


def _camera(status: CameraStatus) -> CameraView:
    chosen = status.description
    return CameraView(device=chosen.source, sound=chosen.sound, mode=chosen.mode, encoder=chosen.encoder)


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/streams",
        name="listStreams",
        summary="What is live, by path, with its tracks and counters.",
        access="read",
        handler=list_streams,
        answers={200: Answered("The streams.", StreamList)},
    ),
)
