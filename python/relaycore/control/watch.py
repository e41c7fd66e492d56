"""While the relay runs: the status line, the log of events, and the latency trace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from rich.console import Console

from relaycore.control.console import StatusLine, show_table
from relaycore.errors import PathError
from relaycore.events import (
    CameraBack,
    CameraFailed,
    CameraLost,
    CameraNotice,
    CameraReady,
    DarknessChanged,
    Event,
    EventReader,
    ForwardFailed,
    SceneChanged,
    SessionEnded,
    SessionStarted,
    SourceFailed,
    SourceSwitched,
    StreamRemoved,
    StreamResumed,
    StreamVacant,
)
from relaycore.language import Message, message_lines, message_n
from relaycore.relay import Relay
from relaycore.relay_types import StreamStatus

__all__ = ["log_events", "show_latency", "status_text", "trace_latency", "watch_status"]

_log = logging.getLogger(__name__)

STATUS_S = 1.0
"""Seconds between two looks at the numbers."""

TRACE_S = 5.0
"""Seconds between two tables of the latency trace."""


async def watch_status(relay: Relay, line: StatusLine, *, as_json: bool) -> None:
    """Keeps the status line fresh.

    Where nobody sees one, it is logged when readers, drops or cameras have changed; for JSON, as numbers.
    """
    logged: object = None
    while True:
        # Rates are not known before a picture or two.
        await asyncio.sleep(STATUS_S)
        streams = relay.streams()
        text = status_text(streams)
        if line.visible:
            line.show(text)
        else:
            now = _what_changes(streams)
            if now != logged:
                logged = now
                if as_json:
                    _log.info("status", extra=_status_fields(streams))
                else:
                    _log.info(str(text))


def status_text(streams: list[StreamStatus]) -> str:
    """The status in one line: ``2 readers · cam 30.0 fps, 2.1 Mbit/s · drone h265+aac · 0 dropped``."""
    readers = sum(stream.stats.readers for stream in streams)
    parts: list[str] = [message_n("{count} reader", "{count} readers", readers)]
    parts += [_stream_text(stream) for stream in streams]
    parts.append(message_n("{count} dropped", "{count} dropped", _dropped(streams)))
    return message_lines(parts, " · ")


async def log_events(events: EventReader, said: Collection[str] = ()) -> None:
    """Logs what happens to cameras and sessions, until the relay closes, without what was said already."""
    async for event in events:
        match event:
            case CameraReady(description=description) if str(description) in said:
                continue
            case CameraNotice(message=message) if message in said:
                continue
        _log_event(event)


async def trace_latency(relay: Relay, console: Console | None) -> None:
    """Shows the latency every few seconds and at the end; without a console it is logged."""
    try:
        while True:
            await asyncio.sleep(TRACE_S)
            show_latency(relay, console)
    finally:
        show_latency(relay, console)


def show_latency(relay: Relay, console: Console | None) -> None:
    """Shows median and 95th percentile of each stage, for each stream."""
    for stream in relay.streams():
        try:
            stages = relay.latency(stream.path)
        except PathError:
            continue  # it ended a moment ago
        if console is None:
            for stage in stages:
                fields = {"path": stream.path, "stage": stage.stage, "count": stage.count}
                numbers = {"median_ms": round(stage.median_ms, 3), "p95_ms": round(stage.p95_ms, 3)}
                _log.info("latency", extra=fields | numbers)
        elif stages:
            rows = [
                (stage.stage, f"{stage.median_ms:.2f}", f"{stage.p95_ms:.2f}", str(stage.count))
                for stage in stages
            ]
            show_table(
                console,
                Message("Latency of {path}", path=stream.path),
                (Message("stage"), Message("median ms"), Message("p95 ms"), Message("pictures")),
                rows,
            )


def _log_event(event: Event) -> None:
    fields: dict[str, object] = {"path": event.path}
    match event:
        case SessionStarted(session=session):
            fields |= {"session": session.id, "peer": session.peer, "user": session.user}
            fields |= {"action": session.action, "transport": session.transport}
            _log.info("session started", extra=fields)
        case SessionEnded(session=session, reason=reason):
            fields |= {"session": session.id, "peer": session.peer, "user": session.user}
            _log.info("session ended", extra=fields | {"reason": reason, "bytes": session.bytes})
        case CameraReady(description=description):
            _log.info("camera ready: %s", description, extra=fields)
        case CameraLost(reason=reason):
            _log.warning("camera lost: %s", reason, extra=fields)
        case CameraBack():
            _log.info("camera is back", extra=fields)
        case CameraFailed(reason=reason):
            _log.error("camera failed: %s", reason, extra=fields)
        case CameraNotice(message=message):
            _log.warning("%s", message, extra=fields)
        case SceneChanged(change=str(change)):
            what = "something covers it" if change == "covered" else "it was moved"
            _log.warning("the camera shows something else: %s", what, extra=fields)
        case DarknessChanged(dark=dark):
            _log.info("the picture is too dark" if dark else "the picture is bright again", extra=fields)
        case StreamVacant():
            _log.info("the publisher has left, its readers wait for another", extra=fields)
        case StreamResumed():
            _log.info("another publisher goes on", extra=fields)
        case SourceFailed(source=source, reason=reason):
            _log.warning("the source cannot be read: %s", reason, extra=fields | {"source": source})
        case SourceSwitched(source=source, before=before):
            _log.info("another source feeds it", extra=fields | {"source": source, "before": before})
        case ForwardFailed(target=target, reason=reason):
            _log.warning("forwarding failed: %s", reason, extra=fields | {"target": target})
        case StreamRemoved(reason=str(reason)):
            _log.info("the stream has ended: %s", reason, extra=fields)


def _status_fields(streams: list[StreamStatus]) -> dict[str, object]:
    cameras = [
        {
            "path": stream.path,
            "state": stream.camera.stats.state,
            "fps": round(stream.camera.stats.fps, 1),
            "bitrate": stream.camera.stats.bitrate,
        }
        for stream in streams
        if stream.camera is not None
    ]
    readers = sum(stream.stats.readers for stream in streams)
    return {"readers": readers, "dropped": _dropped(streams), "cameras": cameras}


def _stream_text(stream: StreamStatus) -> str:
    if stream.camera is None:
        return f"{stream.path} {'+'.join(track.codec for track in stream.tracks)}"
    stats = stream.camera.stats
    return f"{stream.path} {stats.fps:.1f} fps, {stats.bitrate / 1e6:.1f} Mbit/s"


def _dropped(streams: list[StreamStatus]) -> int:
    return sum(
        stream.camera.stats.discarded + stream.camera.stats.bad_frames
        for stream in streams
        if stream.camera is not None
    )


def _what_changes(streams: list[StreamStatus]) -> object:
    """What makes a new line in the log: all but the numbers that never stand still."""
    states = tuple((stream.path, stream.camera and stream.camera.stats.state) for stream in streams)
    return sum(stream.stats.readers for stream in streams), _dropped(streams), states
