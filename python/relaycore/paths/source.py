"""What the sources of a path have in common, whoever reads them: FFmpeg or the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["Source", "SourceEvents", "SourceState", "SourceStatus"]

SourceState = Literal["off", "starting", "live", "failed"]
"""``off``: on demand, and nobody reads, or stopped. ``failed``: it is tried again and again."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How the source of a path does.

    ``current`` is the source that feeds the stream, without its password, and ``error`` the last thing that
    went wrong; ``switches`` counts how often another source took its turn.
    """

    state: SourceState
    current: str | None = None
    error: str | None = None
    switches: int = 0


class SourceEvents(Protocol):
    """What a source tells. Called in the loop; sources are named without their passwords."""

    def live(self, source: str) -> None:
        """The path has a stream, and it is fed."""

    def idle(self, reason: str) -> None:
        """Nothing feeds the stream; readers wait for the next."""

    def failed(self, source: str, reason: str) -> None:
        """A source failed and is tried again."""

    def switched(self, source: str, before: str) -> None:
        """Another source feeds the stream now."""


class Source(Protocol):
    """Feeds a path from ``start`` to ``stop``; may be started again. All in the loop."""

    def start(self) -> None:
        """Begins; what happens is told to :class:`SourceEvents`."""

    async def stop(self) -> None:
        """Ends the stream, and what feeds it."""

    def status(self) -> SourceStatus:
        """How it does."""
