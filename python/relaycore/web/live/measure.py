"""The figures of a relay at one moment."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

import msgspec

from relaycore._relaycore import Engine, Session
from relaycore.ledger.records import now_ms
from relaycore.web.metrics.totals import PathTotals, Totals
from relaycore.web.session_ids import SessionIds

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["MOST_PATHS", "MOST_SESSIONS", "Figures", "Measure", "PathFigures", "SessionFigures"]

MOST_PATHS: Final = 500
"""Paths that have figures of their own, the first by their names."""

MOST_SESSIONS: Final = 200
"""Sessions that have figures of their own, the oldest."""

SECOND: Final = 1e9


class PathFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One path that has a stream."""

    path: str
    readers: int
    bytes_in: int
    """What came in since the stream began."""
    bytes_out: int
    """What went to all readers since the start of the relay."""
    lag_s: float
    """How long the oldest of what its slowest reader has not got waits to be sent."""


class SessionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One session."""

    id: str
    state: str
    bytes: int
    discarded: int
    lost: int
    lag_s: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The relay at one moment."""

    at: int
    """When, in milliseconds of Unix time."""
    readers: int
    publishers: int
    bytes_in: int
    """What came in at all streams of now."""
    bytes_out: int
    """What went to all readers since the start of the relay."""
    lag_s: float
    """The largest of all readers."""
    paths: list[PathFigures]
    """The first 500 by their names."""
    sessions: list[SessionFigures]
    """The 200 that began first."""


class Measure:
    """Takes them."""

    def __init__(self, relay: Relay, engine: Engine, totals: Totals, ids: SessionIds) -> None:
        self._relay, self._engine, self._totals = relay, engine, totals
        self.ids: Final = ids

    def now(self) -> Figures:
        """The figures of now."""
        sessions = self._engine.sessions()
        sums = self._totals.now(sessions)
        lags: dict[str, int] = {}
        readers = 0
        for session in sessions:
            if session.action == "read":
                readers += 1
                lags[session.path] = max(lags.get(session.path, 0), session.lag_ns)
        streams = self._relay.streams()
        nothing = PathTotals()
        paths = [
            PathFigures(
                path=stream.path,
                readers=stream.stats.readers,
                bytes_in=stream.stats.bytes,
                bytes_out=sums.get((stream.path, "read"), nothing).bytes,
                lag_s=lags.get(stream.path, 0) / SECOND,
            )
            for stream in streams[:MOST_PATHS]
        ]
        oldest = heapq.nsmallest(MOST_SESSIONS, sessions, key=lambda session: session.started_ns)
        return Figures(
            at=now_ms(),
            readers=readers,
            publishers=len(sessions) - readers,
            bytes_in=sum(stream.stats.bytes for stream in streams),
            bytes_out=sum(total.bytes for (_, action), total in sums.items() if action == "read"),
            lag_s=max(lags.values(), default=0) / SECOND,
            paths=paths,
            sessions=[self._session(session) for session in oldest],
        )

    def _session(self, session: Session) -> SessionFigures:
        return SessionFigures(
            id=self.ids.of(session),
            state=session.state,
            bytes=session.bytes,
            discarded=session.discarded,
            lost=session.lost,
            lag_s=session.lag_ns / SECOND,
        )
