"""Cameras that freeze or go dark, by a small picture of each every second.

A camera that works shows a little noise in each picture; one that is stuck gives the same picture again and
again. Pictures are compared with the first of those that look alike, so that a scene which changes slowly
is none that stands still. One that goes dark must have been bright shortly before: nights are dark, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from relaycore.alerts.model import CameraPicture, Finding, Gone, Happening, Removed
from relaycore.alerts.places import MINUTE_MS
from relaycore.alerts.table import Table
from relaycore.language import Message
from relaycore.settings.alerts import DarkRule, FrozenRule

__all__ = ["Pictures"]

MOST_PATHS: Final = 1024
"""Cameras that are remembered."""

BEFORE_MS: Final = MINUTE_MS
"""How long ago a camera that goes dark may have been bright."""


@dataclass(slots=True)
class _Camera:
    """A camera.

    The first of the pictures that look alike, and since when they do; when it was bright the last time, and
    since when it is dark; what was told.
    """

    first: bytes = b""
    same_since: int = 0
    bright_at: int | None = None
    dark_since: int | None = None
    frozen: bool = False
    dark: bool = False


class Pictures:
    """Looks for both. The subject of an alert is the path."""

    takes: ClassVar[tuple[type, ...]] = (CameraPicture, Gone, Removed)

    def __init__(self, frozen: FrozenRule, dark: DarkRule) -> None:
        self._frozen, self._dark = frozen, dark
        self._cameras: Table[str, _Camera] = Table(MOST_PATHS, _Camera)

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if isinstance(happening, Removed):
            self._cameras.pop(happening.path)
        elif isinstance(happening, Gone):
            camera = self._cameras.find(happening.path)
            if camera is not None:
                # There are no pictures, which is told by itself; the next one is looked at afresh.
                camera.first = b""
        elif isinstance(happening, CameraPicture):
            camera = self._cameras.use(happening.path)
            if self._frozen.enabled:
                yield from self._look_for_changes(happening, camera)
            if self._dark.enabled:
                yield from self._look_for_light(happening, camera)

    def _look_for_changes(self, picture: CameraPicture, camera: _Camera) -> Iterator[Finding]:
        if camera.first == picture.luma:
            lasts = picture.at - camera.same_since
            if not camera.frozen and lasts >= self._frozen.seconds * 1000:
                camera.frozen = True
                text = Message(
                    "The picture of {path} has not changed at all for {seconds} seconds.",
                    path=picture.path,
                    seconds=lasts // 1000,
                )
                yield _finding("camera_frozen", picture, text)
            return
        camera.first, camera.same_since = picture.luma, picture.at
        if camera.frozen:
            camera.frozen = False
            text = Message("The picture of {path} changes again.", path=picture.path)
            yield _finding("camera_frozen", picture, text, over=True)

    def _look_for_light(self, picture: CameraPicture, camera: _Camera) -> Iterator[Finding]:
        if picture.brightness >= 2 * self._dark.level:
            camera.bright_at = picture.at
        if picture.brightness >= self._dark.level:
            camera.dark_since = None
            if camera.dark and picture.brightness >= 2 * self._dark.level:
                camera.dark = False
                text = Message("The picture of {path} is bright again.", path=picture.path)
                yield _finding("camera_dark", picture, text, over=True)
            return
        if camera.dark_since is None:
            camera.dark_since = picture.at
        lasts = picture.at - camera.dark_since
        was_bright = camera.bright_at is not None and camera.dark_since - camera.bright_at <= BEFORE_MS
        if was_bright and not camera.dark and lasts >= self._dark.seconds * 1000:
            camera.dark = True
            text = Message(
                "The picture of {path} went dark (a brightness of {brightness} of 255): "
                "something may cover the camera.",
                path=picture.path,
                brightness=f"{picture.brightness:.0f}",
            )
            yield _finding("camera_dark", picture, text)


def _finding(rule: str, picture: CameraPicture, text: str, *, over: bool = False) -> Finding:
    return Finding(at=picture.at, rule=rule, subject=picture.path, path=picture.path, text=text, over=over)
