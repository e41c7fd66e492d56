"""When the next picture is to be a random access point."""

from __future__ import annotations

from typing import Final

__all__ = ["KeyFrames"]

COALESCE_NS: Final = 250_000_000
"""Wishes of readers that come within this time of a random access point wait until it is over, in ns."""


class KeyFrames:
    """Joins the wishes of readers with the regular distance. Times are in ns of the engine's clock."""

    def __init__(self, gop_seconds: float, fps: float) -> None:
        # Half a picture early, so that a camera's jitter does not put it off to the next picture.
        self._distance = int((gop_seconds - 0.5 / fps) * 1e9)
        self._last: int | None = None
        self._wanted = False

    def force(self, now: int, *, wanted: bool) -> bool:
        """Whether the picture that is encoded now must be a random access point.

        ``wanted``: a reader asks for one. The wish is kept until it is met.
        """
        self._wanted |= wanted
        if self._last is None:
            return True
        since = now - self._last
        return since >= self._distance or (self._wanted and since >= COALESCE_NS)

    def made(self, now: int) -> None:
        """A random access point was published."""
        self._last, self._wanted = now, False
