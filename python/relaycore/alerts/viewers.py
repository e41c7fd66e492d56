"""A sudden jump in the viewers of a path: its address may have got around."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from relaycore.alerts.model import MOST_RECORDS, Finding, Happening
from relaycore.alerts.places import HISTORY_DAYS, MINUTE_MS, day_of
from relaycore.alerts.table import Table
from relaycore.language import Message
from relaycore.ledger.records import Opening, Session
from relaycore.settings.alerts import ViewerRule

__all__ = ["Viewers"]

MOST_PATHS: Final = 4096
"""Paths that are remembered."""

MOST_OPEN: Final = 50_000
"""Sessions that are open and remembered."""

MORE: Final = 1.25
"""How many times the most of four weeks are no more than usual: crowds differ a little."""

STEPS: Final = 20
"""Parts of the time in which viewers come whose numbers are remembered."""


@dataclass(slots=True)
class _Step:
    """The readers at the end of a step of time, and the most in it."""

    at: int
    last: int
    most: int


@dataclass(slots=True)
class _Path:
    """``now`` readers, ``base`` before the newest steps; ``peaks``, the most of each day before these."""

    now: int = 0
    base: int = 0
    steps: deque[_Step] = field(default_factory=deque)
    peaks: dict[int, int] = field(default_factory=dict)
    newest: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_RECORDS))

    def count(self, step: int, change: int) -> None:
        """Some readers more or less, in the step that begins at a time."""
        self.now = max(0, self.now + change)
        if self.steps and self.steps[-1].at >= step:
            newest = self.steps[-1]
            newest.last, newest.most = self.now, max(newest.most, self.now)
        else:
            self.steps.append(_Step(step, self.now, self.now))

    def settle(self, before: int) -> None:
        """Moves what was before a time to the peaks of its days."""
        while self.steps and self.steps[0].at < before:
            step = self.steps.popleft()
            self.base = step.last
            day = day_of(step.at)
            self.peaks[day] = max(step.most, self.peaks.get(day, 0))
            for old in [known for known in self.peaks if known <= day - HISTORY_DAYS]:
                del self.peaks[old]


class Viewers:
    """Looks for it. The subject of an alert is the path."""

    takes: ClassVar[tuple[type, ...]] = (Opening,)

    def __init__(self, settings: ViewerRule) -> None:
        self._settings = settings
        self._window = settings.minutes * MINUTE_MS
        self._step = max(1, self._window // STEPS)
        self._paths: Table[str, _Path] = Table(MOST_PATHS, _Path)
        self._open: Table[str, str] = Table(MOST_OPEN, str, self._forget)

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if isinstance(happening, Session):
            path = self._open.pop(happening.id)
            if path is not None:
                self._count(path, happening.at, -1)
        elif isinstance(happening, Opening) and happening.action == "read":
            self._open.put(happening.id, happening.path)
            path_now = self._count(happening.path, happening.at, 1)
            path_now.newest.append(happening.id)
            yield from self._look(happening, path_now)

    def _forget(self, _id: str, path: str) -> None:
        found = self._paths.find(path)
        if found is not None:
            found.now = max(0, found.now - 1)

    def _count(self, path: str, at: int, change: int) -> _Path:
        found = self._paths.use(path)
        found.count(at - at % self._step, change)
        found.settle(at - self._window)
        return found

    def _look(self, opening: Opening, path: _Path) -> Iterator[Finding]:
        rule = self._settings
        if path.now - path.base < rule.viewers or path.now < rule.factor * max(path.base, 1):
            return
        usual = max(path.peaks.values(), default=0)
        if path.now <= usual * MORE:
            return
        yield Finding(
            at=opening.at,
            rule="viewers",
            subject=opening.path,
            path=opening.path,
            text=Message(
                "{path} has {now} viewers; {minutes} minutes ago it had {base}, and in the four "
                "weeks before {usual} at most.",
                path=opening.path,
                now=path.now,
                minutes=rule.minutes,
                base=path.base,
                usual=usual,
            ),
            records=tuple(path.newest),
        )
