"""Events of a relay as programs on the other side of HTTP are told of them."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from relaycore import events
from relaycore._relaycore import Engine
from relaycore.web.api import sessions
from relaycore.web.session_ids import SessionIds

__all__ = ["Happened", "Kind", "happened", "text_of"]

Kind = Literal[
    "cameraReady",
    "cameraLost",
    "cameraBack",
    "cameraFailed",
    "cameraNotice",
    "motionChanged",
    "sceneChanged",
    "darknessChanged",
    "streamAdded",
    "streamVacant",
    "streamResumed",
    "streamRemoved",
    "sessionStarted",
    "sessionEnded",
    "settingsChanged",
    "sourceFailed",
    "sourceSwitched",
    "forwardFailed",
    "other",
]

_KINDS: Final[dict[type[events.Event], Kind]] = {
    events.CameraReady: "cameraReady",
    events.CameraLost: "cameraLost",
    events.CameraBack: "cameraBack",
    events.CameraFailed: "cameraFailed",
    events.CameraNotice: "cameraNotice",
    events.MotionChanged: "motionChanged",
    events.SceneChanged: "sceneChanged",
    events.DarknessChanged: "darknessChanged",
    events.StreamAdded: "streamAdded",
    events.StreamVacant: "streamVacant",
    events.StreamResumed: "streamResumed",
    events.StreamRemoved: "streamRemoved",
    events.SessionStarted: "sessionStarted",
    events.SessionEnded: "sessionEnded",
    events.SettingsChanged: "settingsChanged",
    events.SourceFailed: "sourceFailed",
    events.SourceSwitched: "sourceSwitched",
    events.ForwardFailed: "forwardFailed",
}

_TEXTS: Final = ("reason", "message", "description", "source")
"""Fields of events that say more to a person, the best first."""

MILLISECOND: Final = 1_000_000


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened at a path."""

    kind: Kind
    at: int
    """When, in milliseconds of Unix time."""
    path: str
    text: str | None
    """More of it, for a person."""
    active: bool | None
    """Whether it moves, shows something else or is dark now."""
    session: sessions.SessionView | None
    """The session that started or ended."""


def happened(event: events.Event, engine: Engine, ids: SessionIds) -> Happened:
    """An event as it is told, without its text, which is in another language to each."""
    session = getattr(event, "session", None)
    return Happened(
        kind=_KINDS.get(type(event), "other"),
        at=engine.unix_ns(event.at_ns) // MILLISECOND,
        path=event.path,
        text=None,
        active=_active(event),
        session=None if session is None else sessions.view(session, engine, ids),
    )


def _active(event: events.Event) -> bool | None:
    match event:
        case events.MotionChanged(moving=active) | events.DarknessChanged(dark=active):
            return active
        case events.SceneChanged(change=change):
            return change is not None
    return None


def text_of(event: events.Event) -> object | None:
    """What says more of an event to a person; to be shown in their language."""
    return next((found for name in _TEXTS if (found := getattr(event, name, None)) is not None), None)
