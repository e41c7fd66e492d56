"""A camera, or the source of a path, that is gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from relaycore.alerts.model import Finding, Gone, Happening, Removed, There
from relaycore.alerts.table import Table
from relaycore.language import Message
from relaycore.settings.alerts import LostRule

__all__ = ["Lost"]

MOST_PATHS: Final = 4096
"""Paths that are remembered."""


@dataclass(slots=True)
class _Path:
    """Since when it is gone, and why; whether that was told."""

    since: int | None = None
    reason: str = ""
    told: bool = False


class Lost:
    """Looks for it. The subject of an alert is the path."""

    takes: ClassVar[tuple[type, ...]] = (Gone, There, Removed)

    def __init__(self, settings: LostRule) -> None:
        self._after = settings.seconds * 1000
        self._paths: Table[str, _Path] = Table(MOST_PATHS, _Path)
        self._looks: deque[tuple[int, str]] = deque(maxlen=MOST_PATHS)

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if isinstance(happening, Removed):
            self._paths.pop(happening.path)
        elif isinstance(happening, Gone):
            path = self._paths.use(happening.path)
            if path.since is None:
                path.since, path.reason = happening.at, happening.reason
                self._looks.append((happening.at + self._after, happening.path))
        elif isinstance(happening, There):
            gone = self._paths.pop(happening.path)
            if gone is not None and gone.told:
                yield Finding(
                    at=happening.at,
                    rule="camera_lost",
                    subject=happening.path,
                    path=happening.path,
                    text=Message("The camera at {path} is back.", path=happening.path),
                    over=True,
                )

    def advance(self, now: int) -> Iterator[Finding]:
        """Tells of those that have been gone for long enough."""
        while self._looks and self._looks[0][0] <= now:
            since, name = self._looks[0][0] - self._after, self._looks.popleft()[1]
            path = self._paths.find(name)
            if path is None or path.told or path.since != since:
                continue
            path.told = True
            yield Finding(
                at=since + self._after,
                rule="camera_lost",
                subject=name,
                path=name,
                text=Message(
                    "The camera at {name} is gone: {reason}.", name=name, reason=path.reason.rstrip(".")
                ),
            )
