"""What a pipeline tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Description", "EventKind", "PipelineEvent", "PipelineStats", "State"]

State = Literal["starting", "running", "lost", "stopped", "failed"]
"""``lost``: the source is gone and looked for, and readers see a slate."""

EventKind = Literal["ready", "lost", "back", "failed", "notice"]
"""What a :class:`PipelineEvent` tells."""


@dataclass(frozen=True, slots=True)
class Description:
    """What was chosen, for a person; ``reason`` has a sentence a line. ``str()`` puts it on one line."""

    source: str
    device: str
    mode: str
    width: int
    height: int
    encoder: str
    reason: str
    bitrate: int | None
    sound: str | None

    def __str__(self) -> str:
        sound = f", with {self.sound}" if self.sound else ""
        return f"{self.source} ({self.mode}) by {self.encoder}{sound}"


@dataclass(frozen=True, slots=True)
class PipelineEvent:
    """Something that happened; ``message`` is a sentence for a person.

    ``ready``: the stream has begun. ``lost`` and ``back``: the source is gone, and delivers again.
    ``failed``: the pipeline has ended for a reason that waiting does not cure. ``notice``: anything else
    that a person should know.
    """

    kind: EventKind
    message: str


@dataclass(frozen=True, slots=True)
class PipelineStats:
    """The numbers of a pipeline.

    ``fps`` and ``bitrate`` (bits per second) are of the last seconds. All others count from the start:
    ``captured`` pictures came from the source, ``bad_frames`` of them were damaged, ``discarded`` ones were
    displaced by newer ones before they were encoded, ``access_units`` were published.
    """

    state: State
    fps: float
    bitrate: int
    captured: int
    bad_frames: int
    discarded: int
    access_units: int
    key_frames: int
