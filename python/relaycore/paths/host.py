"""What paths need of the relay that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relaycore._relaycore import Stream, Track
from relaycore.events import Event
from relaycore.settings import Join, PathSettings
from relaycore.unit_pump import UnitPump

__all__ = ["PathHost", "StreamMaker"]


class StreamMaker(Protocol):
    """Adds a stream to the engine; from any thread."""

    def __call__(self, path: str, tracks: Sequence[Track], join: Join, can_force_key_frames: bool) -> Stream:
        """The stream. PathError when the path is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathHost:
    """A relay, as its paths see it."""

    add_stream: StreamMaker

    remove_stream: Callable[[str], None]
    """Ends a stream, if there is one; from any thread."""

    stream: Callable[[str], Stream | None]
    """What is live at a path, whoever feeds it."""

    open_pump: Callable[[str], UnitPump]
    """A reader for a thread, which is woken from now on. PathError when there is no stream."""

    configure: Callable[[str, PathSettings], None]
    """Tells the engine how to treat those who publish to a path, and their readers."""

    forget: Callable[[str], None]
    """Takes back what ``configure`` said."""

    emit: Callable[[Event], None]
    """Tells whoever listens what happened; from any thread."""
