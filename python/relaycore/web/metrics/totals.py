"""What sessions have moved at each path since the relay started, those that have ended included.

A counter must never go down, so what an ended session had counted is added to its path for good.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from relaycore._relaycore import Session

__all__ = ["PathTotals", "Totals"]

MOST_PATHS: Final = 1000
"""Paths that are remembered. When there are more, the one that was used longest ago is forgotten."""


@dataclass(slots=True)
class PathTotals:
    """Sums over sessions that read one path, or publish to it."""

    sessions: int = 0
    bytes: int = 0
    packets: int = 0
    discarded: int = 0
    lost: int = 0

    def add(self, session: Session) -> None:
        """Adds the counters of one session."""
        self.sessions += 1
        self.bytes += session.bytes
        self.packets += session.packets
        self.discarded += session.discarded
        self.lost += session.lost

    def __add__(self, other: PathTotals) -> PathTotals:
        return PathTotals(
            self.sessions + other.sessions,
            self.bytes + other.bytes,
            self.packets + other.packets,
            self.discarded + other.discarded,
            self.lost + other.lost,
        )


class Totals:
    """The sums by path and action. All methods are called from the loop."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}
        self._ended: OrderedDict[tuple[str, str], PathTotals] = OrderedDict()

    def started(self, session: Session) -> None:
        """A session was set up."""
        self._open[session.id] = session

    def ended(self, session: Session) -> None:
        """A session has ended, and its counters are final."""
        if self._open.pop(session.id, None) is not None:
            self._keep(session)

    def now(self, alive: Iterable[Session]) -> dict[tuple[str, str], PathTotals]:
        """The sums by path and action, of ended sessions and of those that are ``alive``.

        What the events did not tell, because there were too many, is found here.
        """
        found = {session.id: session for session in alive}
        for session in [session for session in self._open.values() if session.id not in found]:
            self._keep(session)
        self._open = found
        sums = {key: PathTotals() + total for key, total in self._ended.items()}
        for session in found.values():
            sums.setdefault((session.path, session.action), PathTotals()).add(session)
        return sums

    def _keep(self, session: Session) -> None:
        key = (session.path, session.action)
        self._ended.setdefault(key, PathTotals()).add(session)
        self._ended.move_to_end(key)
        if len(self._ended) > MOST_PATHS:
            self._ended.popitem(last=False)
