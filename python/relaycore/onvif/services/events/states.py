"""What holds at the cameras and the relay: made of the relay's events, and told as messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from relaycore.events import (
    AlertRaised,
    CameraBack,
    CameraFailed,
    CameraLost,
    CameraReady,
    DarknessChanged,
    Event,
    MotionChanged,
    SceneChanged,
    StreamRemoved,
)
from relaycore.onvif.services.events.alarms import Alarms
from relaycore.onvif.services.events.messages import Message, Operation
from relaycore.onvif.services.events.topics import (
    CELL_MOTION,
    MOTION_ALARM,
    SCENE_CHANGE,
    SIGNAL_LOSS,
    TOO_DARK,
    Topic,
)

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["States"]

RULE: Final = "motion"
"""Name of the rule that looks for motion; there is one at each camera."""

_PICTURE: Final = (CELL_MOTION, MOTION_ALARM, SCENE_CHANGE, TOO_DARK)
"""What is found in pictures, where they are decoded."""


class States:
    """The states of a relay and of all its cameras."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._lost: set[str] = set()
        self._known: dict[str, tuple[Topic, ...]] = {}
        self._alarms = Alarms()

    def begin(self) -> None:
        """Looks at what there is."""
        self._lost.clear()
        self._known.clear()
        self._alarms.begin()
        for stream in self._relay.streams():
            if stream.camera is not None:
                if stream.camera.stats.state == "lost":
                    self._lost.add(stream.path)
                self._known[stream.path] = self._topics(stream.camera.description.encoder)

    def all(self) -> list[Message]:
        """What holds now, for who has just subscribed."""
        cameras = [message for path in self._known for message in self._of(path, "Initialized")]
        return [*cameras, *self._alarms.all()]

    def take(self, event: Event) -> Iterable[Message]:
        """What an event means."""
        path = event.path
        match event:
            case MotionChanged(moving=moving):
                return self._changed(path, (CELL_MOTION, MOTION_ALARM), moving)
            case SceneChanged(change=change):
                return self._changed(path, (SCENE_CHANGE,), change is not None)
            case DarknessChanged(dark=dark):
                return self._changed(path, (TOO_DARK,), dark)
            case CameraLost():
                self._lost.add(path)
                return self._changed(path, (SIGNAL_LOSS,), True)
            case CameraFailed() if path in self._known:
                self._lost.add(path)
                return self._changed(path, (SIGNAL_LOSS,), True)
            case CameraBack():
                self._lost.discard(path)
                return self._changed(path, (SIGNAL_LOSS,), False)
            case CameraReady():
                return self._came(path)
            case StreamRemoved() if path in self._known:
                messages = self._of(path, "Deleted")
                del self._known[path]
                self._lost.discard(path)
                return messages
            case AlertRaised(alert=alert):
                return self._alarms.take(alert)
        return []

    def over(self) -> Iterable[Message]:
        """What the time has ended."""
        return self._alarms.over()

    def _came(self, path: str) -> list[Message]:
        camera = next((stream.camera for stream in self._relay.streams() if stream.path == path), None)
        if camera is None or path in self._known:
            return []
        self._known[path] = self._topics(camera.description.encoder)
        return self._of(path, "Initialized")

    @staticmethod
    def _topics(encoder: str) -> tuple[Topic, ...]:
        return (SIGNAL_LOSS,) if encoder == "copy" else (*_PICTURE, SIGNAL_LOSS)

    def _of(self, path: str, operation: Operation) -> list[Message]:
        return [
            _message(topic, path, operation, self._holds(path, topic)) for topic in self._known.get(path, ())
        ]

    def _holds(self, path: str, topic: Topic) -> bool:
        if topic is SIGNAL_LOSS:
            return path in self._lost
        state = self._relay.picture_state(path)
        if state is None:
            return False
        if topic is SCENE_CHANGE:
            return state.scene is not None
        return state.dark if topic is TOO_DARK else state.moving

    @staticmethod
    def _changed(path: str, topics: Iterable[Topic], holds: bool) -> list[Message]:
        return [_message(topic, path, "Changed", holds) for topic in topics]


def _message(topic: Topic, path: str, operation: Operation, holds: bool) -> Message:
    source = (path, path, RULE) if topic is CELL_MOTION else (path,)
    return Message(topic, path, source, ("true" if holds else "false",), operation)
