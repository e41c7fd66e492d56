"""Pictures that are too dark to see something."""

from __future__ import annotations

from typing import Final

__all__ = ["Darkness"]

TELL_NS: Final = 2_000_000_000
"""How long it has to be dark, or bright again."""

BRIGHTER: Final = 1.5
"""It is bright again at so many times the brightness at which it became dark."""

SUDDEN_NS: Final = 5_000_000_000
"""A camera that was bright at most so long ago did not become dark by the end of a day."""


class Darkness:
    """Says after each picture whether they are too dark."""

    def __init__(self, level: float) -> None:
        self.dark = False
        self._level = level
        self._since: int | None = None
        self._bright_ns: int | None = None
        self._sudden = False

    @property
    def gradual(self) -> bool:
        """Whether it is dark, or about to be, and became so slowly: then nothing need hide the camera."""
        return (self.dark or self._since is not None) and not self._sudden

    def take(self, brightness: float, at_ns: int) -> None:
        """The mean brightness of the next picture, from 0 to 255, and when it was taken."""
        is_so = brightness < self._level if not self.dark else brightness < BRIGHTER * self._level
        if brightness >= 2 * self._level:
            self._bright_ns = at_ns
        if is_so == self.dark:
            self._since = None
            return
        if self._since is None:
            self._since = at_ns
            if is_so:
                self._sudden = self._bright_ns is not None and at_ns - self._bright_ns <= SUDDEN_NS
        if at_ns - self._since >= TELL_NS:
            self.dark, self._since = is_so, None
