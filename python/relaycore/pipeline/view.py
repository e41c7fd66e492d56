"""The part of the scene that is shown: electronic pan, tilt and zoom.

A view is where its middle is in the scene and how far it zooms in; what it shows is cut out of each picture
before that is encoded, after the privacy masks were drawn, which so stay where they are in the scene. Where
it is at a moment follows from what it was told and from the time alone, so that all who encode a picture of
that moment show the same, and a motion is as smooth as the pictures are many.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Final

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["MOST_ZOOM", "Direction", "View", "ViewControl"]

MOST_ZOOM: Final = 4.0
"""How many times larger things are shown at most: of 1920 x 1080 pixels, 480 x 270 are seen then."""

FULL_SPEED: Final = (1.0, 1.0, 0.5)
"""Pan, tilt and zoom in a second at full speed, in the units of a view: from one edge to the other in two."""

MOST_MOVE_S: Final = 60.0
"""Seconds that a motion lasts at most that nobody stops; in a few it has reached an edge."""

SECOND: Final = 1_000_000_000

Window = tuple[float, float, float, float]
"""Left and upper edge, width and height, in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of the scene.

    ``pan`` and ``tilt`` say where its middle is, from -1 (left, below) to 1 (right, above); ``zoom`` goes
    from 0, all of the scene, to 1, and each step in it enlarges by the same factor. ``share`` is how much of
    the scene's width and height is seen. ``turning`` and ``zooming`` tell whether it is in motion.
    """

    pan: float
    tilt: float
    zoom: float
    turning: bool = False
    zooming: bool = False

    @property
    def share(self) -> float:
        """Width of what is seen as a part of the width of the scene; of the height likewise."""
        return float(MOST_ZOOM**-self.zoom)


@dataclass(frozen=True, slots=True)
class Direction:
    """Where to move and how fast: each from -1 to 1, a part of full speed."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0


@dataclass(frozen=True, slots=True)
class _Motion:
    """From one place, since a moment, each axis with its own speed a second until its own end."""

    begin: tuple[float, float, float]
    since_ns: int
    speeds: tuple[float, float, float]
    seconds: tuple[float, float, float]


_AT_REST: Final = _Motion((0.0, 0.0, 0.0), 0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


class ViewControl:
    """The view of one camera. Its methods are called from any thread; times are in ns of the engine's clock.

    Wherever it is told to go, it stays inside the scene.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._motion = _AT_REST

    def at(self, now: int) -> View:
        """Where it is at a moment, and whether it moves then."""
        motion = self._motion
        passed = max(0, now - motion.since_ns) / SECOND
        pan, tilt, zoom = (
            begin + speed * min(passed, seconds)
            for begin, speed, seconds in zip(motion.begin, motion.speeds, motion.seconds, strict=True)
        )
        moves = [
            speed != 0 and passed < seconds
            for speed, seconds in zip(motion.speeds, motion.seconds, strict=True)
        ]
        zoom = min(1.0, max(0.0, zoom))
        most = 1 - MOST_ZOOM**-zoom
        return View(
            min(most, max(-most, pan)),
            min(most, max(-most, tilt)),
            zoom,
            turning=moves[0] or moves[1],
            zooming=moves[2],
        )

    def window(self, at: int, width: int, height: int) -> Window | None:
        """What a picture of this size that was taken then shows; ``None`` for all of it."""
        if self._motion is _AT_REST:
            return None
        view = self.at(at)
        if view.zoom <= 0:
            return None
        across, down = width * view.share, height * view.share
        left = (1 + view.pan) / 2 * width - across / 2
        above = (1 - view.tilt) / 2 * height - down / 2
        return (
            min(width - across, max(0.0, left)),
            min(height - down, max(0.0, above)),
            across,
            down,
        )

    def go(
        self,
        now: int,
        pan: float | None = None,
        tilt: float | None = None,
        zoom: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Goes to a place; an axis without one stays where it is.

        ``speed`` is a part of full speed, up to 1; without one it is there at once. ConfigurationError for
        what is not in the range of an axis.
        """
        for wish, least in ((pan, -1.0), (tilt, -1.0), (zoom, 0.0)):
            if wish is not None and not least <= wish <= 1:
                raise ConfigurationError(
                    Message(
                        "Pan and tilt go from -1 to 1, and zoom goes from 0 to 1: {wish} does not.", wish=wish
                    )
                )
        if speed is not None and not 0 < speed <= 1:
            raise ConfigurationError(
                Message("The speed is above 0 and up to 1: {speed} is not.", speed=speed)
            )
        with self._lock:
            here = self.at(now)
            begin = (here.pan, here.tilt, here.zoom)
            end_zoom = here.zoom if zoom is None else zoom
            most = 1 - MOST_ZOOM**-end_zoom
            end = (
                min(most, max(-most, here.pan if pan is None else pan)),
                min(most, max(-most, here.tilt if tilt is None else tilt)),
                end_zoom,
            )
            if speed is None:
                rests = _AT_REST if end_zoom == 0 else _Motion(end, now, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
                self._motion = rests
                return
            ways = [to - of for of, to in zip(begin, end, strict=True)]
            # All axes arrive together: the way is a straight one.
            seconds = max(abs(way) / (full * speed) for way, full in zip(ways, FULL_SPEED, strict=True))
            if seconds <= 0:
                return
            speeds = (ways[0] / seconds, ways[1] / seconds, ways[2] / seconds)
            self._motion = _Motion(begin, now, speeds, (seconds, seconds, seconds))

    def move(self, now: int, direction: Direction, seconds: float | None = None) -> None:
        """Moves until :meth:`stop`, an edge, or for so many seconds.

        ConfigurationError for speeds that are not from -1 to 1, and for a time that is not above 0.
        """
        parts = (direction.pan, direction.tilt, direction.zoom)
        if not all(-1 <= part <= 1 for part in parts):
            raise ConfigurationError(Message("The speed of an axis goes from -1 to 1."))
        if seconds is not None and not 0 < seconds < math.inf:
            raise ConfigurationError(Message("A motion lasts longer than 0 seconds."))
        lasts = min(MOST_MOVE_S, MOST_MOVE_S if seconds is None else seconds)
        with self._lock:
            here = self.at(now)
            pan, tilt, zoom = (part * full for part, full in zip(parts, FULL_SPEED, strict=True))
            begin, speeds = (here.pan, here.tilt, here.zoom), (pan, tilt, zoom)
            # An axis is at rest once it is at its end.
            until = [
                min(lasts, ((1.0 if speed > 0 else least) - of) / speed) if speed else 0.0
                for of, speed, least in zip(begin, speeds, (-1.0, -1.0, 0.0), strict=True)
            ]
            self._motion = _Motion(begin, now, speeds, (until[0], until[1], until[2]))

    def stop(self, now: int, *, turning: bool = True, zooming: bool = True) -> None:
        """Stays where it is at this moment, with those axes that are named."""
        with self._lock:
            here, motion = self.at(now), self._motion
            if here.zoom == 0 and not (here.turning or here.zooming):
                self._motion = _AT_REST
                return
            passed = max(0, now - motion.since_ns) / SECOND
            stops = (turning, turning, zooming)
            speeds = [0.0 if ends else speed for ends, speed in zip(stops, motion.speeds, strict=True)]
            left = [
                0.0 if ends else max(0.0, seconds - passed)
                for ends, seconds in zip(stops, motion.seconds, strict=True)
            ]
            self._motion = _Motion(
                (here.pan, here.tilt, here.zoom),
                now,
                (speeds[0], speeds[1], speeds[2]),
                (left[0], left[1], left[2]),
            )
