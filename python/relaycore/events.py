"""What happens in a relay, as a stream of typed events."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from relaycore._relaycore import Session, now_ns
from relaycore.alerts.model import Alert

__all__ = [
    "AlertRaised",
    "CameraBack",
    "CameraFailed",
    "CameraLost",
    "CameraNotice",
    "CameraReady",
    "DarknessChanged",
    "Event",
    "EventReader",
    "ForwardFailed",
    "MotionChanged",
    "SceneChanged",
    "SessionEnded",
    "SessionStarted",
    "SettingsChanged",
    "SourceFailed",
    "SourceSwitched",
    "StreamAdded",
    "StreamRemoved",
    "StreamResumed",
    "StreamVacant",
]

QUEUE = 1024
"""Events that wait for one reader; the oldest is discarded when there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a path.

    ``at_ns`` is a time of the engine's clock (:func:`relaycore.now_ns`).
    """

    path: str
    at_ns: int = field(default_factory=now_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReady(Event):
    """A camera delivers pictures. ``description`` says which device, mode and encoder were chosen."""

    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLost(Event):
    """A camera stopped delivering, most often because it was unplugged.

    Its path stays and it is looked for.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraBack(Event):
    """A lost camera delivers again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFailed(Event):
    """A camera ended for a reason that waiting does not cure."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraNotice(Event):
    """Something about a camera that a person should know, such as a hardware encoder that did not work."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionChanged(Event):
    """Something begins to move in the pictures of a camera, or nothing does any more.

    ``cells`` are those that move, by number: row by row, from the left, as many as the settings say.
    """

    moving: bool
    cells: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneChanged(Event):
    """A camera shows something else than before for some seconds: it was moved, or something covers it.

    ``None`` when it shows the same again, or what is new has lasted so long that it is what was before.
    """

    change: Literal["covered", "moved"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DarknessChanged(Event):
    """The pictures of a camera are too dark to see something, or are not any more."""

    dark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAdded(Event):
    """A path can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamVacant(Event):
    """The publisher or source of a path left. Its readers stay for a while; see ``publisher_timeout``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResumed(Event):
    """Another publisher or source goes on with a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRemoved(Event):
    """A path cannot be read any more; its readers were told.

    ``reason`` says why, where nobody in this program removed it.
    """

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """A client reads or publishes, as ``session.action`` says."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A client reads or publishes no more. ``session`` holds its final counters."""

    session: Session
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """The relay goes on with other settings, or somebody has stopped or started what feeds a path.

    ``path`` is empty where it is about no path in particular, as after a reload.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFailed(Event):
    """A source of a path cannot be opened or read; it is tried again. Said once for each reason."""

    source: str
    """As in the settings, without user and password."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSwitched(Event):
    """Another source of a path feeds it now, since ``before`` failed, or since ``source`` is well again."""

    source: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardFailed(Event):
    """A server takes nothing of what is forwarded to it; it is tried again. Said once for each reason."""

    target: str
    """As in the settings, without user and password."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """Something is odd. ``path`` is empty where it is about no path."""

    alert: Alert


class EventReader:
    """The events from now on: ``async for event in relay.events()``.

    Each reader sees every event, unless it is slower than they come: ``discarded`` counts those that it
    missed.
    """

    def __init__(self) -> None:
        self.discarded = 0
        self._queue: deque[Event] = deque()
        self._ready = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> EventReader:
        return self

    async def __anext__(self) -> Event:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._queue.popleft()

    def push(self, event: Event) -> None:
        """Adds an event. Only the relay does this."""
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            self.discarded += 1
        self._queue.append(event)
        self._ready.set()

    def close(self) -> None:
        """Ends the iteration, after the events that wait."""
        self._ended = True
        self._ready.set()
