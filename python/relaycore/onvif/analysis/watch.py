"""Looks at the pictures of one camera while somebody wants to know what happens in them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relaycore._relaycore import FrameBuffer
from relaycore.events import DarknessChanged, Event, MotionChanged, SceneChanged
from relaycore.onvif.analysis.dark import Darkness
from relaycore.onvif.analysis.motion import Motion
from relaycore.onvif.analysis.plane import Plane, Sampler
from relaycore.onvif.analysis.scene import Scene, SceneChange
from relaycore.settings.motion import MotionSettings

__all__ = ["EVERY_NS", "PictureState", "PictureWatch"]

EVERY_NS: Final = 200_000_000
"""From one picture that is looked at to the next."""

EARLY_NS: Final = 20_000_000
"""A picture may come so much earlier: those of a camera are not at exact distances."""


@dataclass(frozen=True, slots=True)
class PictureState:
    """What holds in the pictures of a camera. ``columns`` and ``rows`` are those of the cells that move."""

    moving: bool
    cells: tuple[int, ...]
    columns: int
    rows: int
    scene: SceneChange | None
    dark: bool


class PictureWatch:
    """What happens in the pictures of the camera at ``path``, told by ``emit``; from any thread.

    The settings may be replaced at any time. ``wanted`` counts who wants to know, beside the settings.
    """

    def __init__(self, path: str, settings: MotionSettings | None, emit: Callable[[Event], None]) -> None:
        self.wanted = 0
        self._path, self._emit = path, emit
        self._settings = settings
        self._lock = threading.Lock()
        self._due = 0
        self._looking: _Looking | None = None
        self._sampler: Sampler | None = None
        self._size = (0, 0, False)

    @property
    def state(self) -> PictureState | None:
        """What holds now; ``None`` while pictures are not looked at."""
        looking = self._looking
        return None if looking is None else looking.state

    @property
    def enabled(self) -> bool:
        """Whether pictures are looked at as they come."""
        settings = self._settings
        return self.wanted > 0 if settings is None else settings.enabled

    def set(self, settings: MotionSettings | None) -> None:
        """Goes on with other settings, from the next picture on."""
        with self._lock:
            if settings != self._settings:
                self._settings = settings
                self._end()

    def look(self, buffer: FrameBuffer, full_range: bool, at_ns: int) -> None:
        """The next decoded picture, received at this time of the engine's clock; it is not kept."""
        if not self.enabled:
            if self._looking is not None:
                self.end()
            return
        if at_ns + EARLY_NS < self._due:
            return
        self._due = max(self._due, at_ns - EVERY_NS) + EVERY_NS
        size = (buffer.width, buffer.height, full_range)
        if self._sampler is None or self._size != size:
            self._size, self._sampler = size, Sampler(buffer.width, buffer.height, full_range=full_range)
        self.take(self._sampler.plane(buffer), at_ns)

    def take(self, plane: Plane, at_ns: int) -> None:
        """The next plane of a picture."""
        height, width = plane.shape
        with self._lock:
            if self._looking is None or self._looking.size != (width, height):
                self._end()
                self._looking = _Looking(self._settings or MotionSettings(), width, height)
            before = self._looking.state
            self._looking.take(plane, at_ns)
            self._tell(before, self._looking.state)

    def end(self) -> None:
        """There are no pictures any more, or not for now: nothing moves, and the next one is new."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            state = looking.state
            self._tell(state, PictureState(False, (), state.columns, state.rows, None, False))

    def _tell(self, before: PictureState, now: PictureState) -> None:
        if now.moving != before.moving:
            self._emit(MotionChanged(path=self._path, moving=now.moving, cells=now.cells))
        if now.scene != before.scene:
            self._emit(SceneChanged(path=self._path, change=now.scene))
        if now.dark != before.dark:
            self._emit(DarknessChanged(path=self._path, dark=now.dark))


class _Looking:
    """The detectors, from the first plane of a size on."""

    def __init__(self, settings: MotionSettings, width: int, height: int) -> None:
        self.size = (width, height)
        self._motion = Motion(settings, width, height)
        self._scene = Scene()
        self._darkness = Darkness(settings.dark_level)
        self.state = self._state()

    def take(self, plane: Plane, at_ns: int) -> None:
        self._darkness.take(float(plane.mean()), at_ns)
        if self._darkness.gradual:
            # At night there is nothing but noise, and nobody has done anything to the camera.
            self._scene.forget_doubt()
        else:
            self._scene.take(plane, at_ns)
        self._motion.take(plane, at_ns)
        self.state = self._state()

    def _state(self) -> PictureState:
        motion = self._motion
        return PictureState(
            motion.moving, motion.cells, *motion.grid, self._scene.change, self._darkness.dark
        )
