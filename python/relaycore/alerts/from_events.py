"""What the events of a relay mean to the rules of cameras."""

from __future__ import annotations

from relaycore.alerts.model import Gone, Happening, Removed, There
from relaycore.events import (
    CameraBack,
    CameraFailed,
    CameraLost,
    CameraReady,
    Event,
    SourceFailed,
    SourceSwitched,
    StreamAdded,
    StreamRemoved,
    StreamResumed,
)

__all__ = ["happening_of"]


def happening_of(event: Event, at: int) -> Happening | None:
    """What an event of a time is to the rules; ``None`` where it is nothing to them."""
    match event:
        case CameraLost(path=path, reason=reason) | CameraFailed(path=path, reason=reason):
            return Gone(at, path, reason)
        case SourceFailed(path=path, reason=reason):
            return Gone(at, path, reason)
        case CameraReady(path=path) | CameraBack(path=path):
            return There(at, path)
        case StreamAdded(path=path) | StreamResumed(path=path) | SourceSwitched(path=path):
            return There(at, path)
        case StreamRemoved(path=path, reason=None):
            return Removed(at, path)
    return None
