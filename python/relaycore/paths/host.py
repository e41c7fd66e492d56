"""What paths need of the relay that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relaycore._relaycore import Stream, Track
from relaycore.events import Event
from relaycore.paths.groups import GroupEngine
from relaycore.settings import Join
from relaycore.settings.paths import Transport
from relaycore.unit_pump import UnitPump

__all__ = ["CameraRenditions", "PathEngine", "PathHost", "StreamMaker"]


class PathEngine(GroupEngine, Protocol):
    """What is used of :class:`relaycore._relaycore.Engine`."""

    def configure_path(
        self,
        path: str,
        *,
        join: Join = "squeeze",
        publisher_timeout: float = 30.0,
        takeover: bool = False,
        multicast: tuple[str, int, int, str | None] | None = None,
    ) -> None:
        """How a path treats publishers and pulls, and their readers, from now on."""

    def forget_path(self, path: str) -> None:
        """The path is as any other again."""

    def pull(self, path: str, url: str, *, transport: Transport = "auto") -> int:
        """Pulls a stream to a path, again and again until it is stopped; gives a number for it."""

    def stop_pull(self, pull: int) -> None:
        """Ends a pull."""

    def remove_stream(self, path: str) -> None:
        """Ends the stream at a path, if there is one."""


class CameraRenditions(Protocol):
    """What is used of :class:`relaycore.cameras.Cameras`."""

    def __contains__(self, path: object) -> bool: ...

    def decodes(self, path: str) -> bool:
        """Whether a camera's pictures are decoded here, so that more can be made of them."""

    def keeps_sub(self, path: str) -> bool:
        """Whether a camera's second rendition is made whether anybody reads it or not."""

    async def begin_sub(self, path: str) -> Stream:
        """Begins the second rendition of a camera. RelaycoreError where there can be none."""

    async def end_sub(self, path: str) -> None:
        """Ends it, and its stream."""


class StreamMaker(Protocol):
    """Adds a stream to the engine; from any thread."""

    def __call__(self, path: str, tracks: Sequence[Track], join: Join, can_force_key_frames: bool) -> Stream:
        """The stream. PathError when the path is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathHost:
    """A relay, as its paths see it."""

    engine: PathEngine

    add_stream: StreamMaker

    remove_stream: Callable[[str], None]
    """Ends a stream, if there is one; from any thread."""

    cameras: CameraRenditions
    """Those of the relay."""

    stream: Callable[[str], Stream | None]
    """What is live at a path, whoever feeds it."""

    open_pump: Callable[[str], UnitPump]
    """A reader for a thread, which is woken from now on. PathError when there is no stream."""

    emit: Callable[[Event], None]
    """Tells whoever listens what happened; from any thread."""
