"""What players in browsers report: the half of a journey that only they see.

A player names itself with an id of its own making, a random one, in the requests for media, as CMCD has it
(CTA-5004, ``CMCD=sid%3D"..."`` in the query), and in its reports. An id is known from the moment that a
request with it was let in: who was not let in reports nothing. A report tells all since the play was
asked for and replaces the one before. Names and meanings are those of CTA-2066.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from relaycore._relaycore import now_ns
from relaycore.journeys.attempt import Attempt

__all__ = ["End", "PlayerReport", "Players", "sid_of"]

MOST_PLAYERS: Final = 10_000
"""Players at a time whose reports are taken; on top of them the one that was silent for longest goes."""

SILENT_NS: Final = 600 * 1_000_000_000
"""A player that reports nothing for so long is gone."""

MOST_MS: Final = 30 * 86_400_000
"""Longest time that is believed: some screens show a camera for weeks."""

_SID: Final = re.compile(r'(?:^|,)\s*sid="([A-Za-z0-9_-]{16,64})"')

Milliseconds = Annotated[float, Meta(ge=0, le=MOST_MS)]

PlayerStage = Literal["connected", "described", "set_up", "playing", "first_packet", "first_key_frame"]

End = Literal["ended", "exit_before_video_start", "video_start_failure", "video_playback_failure"]

Error = Literal[
    "network", "timeout", "refused", "not_found", "unsupported", "decode", "autoplay", "overloaded", "other"
]


class PlayerReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one playback went until now. Times are milliseconds, those of stages since play was asked for."""

    sid: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{16,64}$")]
    """The id that the player gave itself for this playback, as in its requests for media."""
    stages: dict[PlayerStage, Milliseconds] = {}
    """When it passed which stage, as the player saw it."""
    video_startup_time: Milliseconds | None = None
    """Until the first picture was shown."""
    playing_time: Milliseconds = 0
    """How long pictures moved."""
    rebuffering_count: Annotated[int, Meta(ge=0, le=100_000)] = 0
    """How often they stood still for want of media, after the first was shown."""
    rebuffering_time: Milliseconds = 0
    """For how long, all together."""
    end: End | None = None
    """How it ended; left out while it goes on. After it the id is forgotten."""
    error: Error | None = None
    """What went wrong last, in one word."""

    def __post_init__(self) -> None:
        if self.video_startup_time is not None and self.end in (
            "exit_before_video_start",
            "video_start_failure",
        ):
            raise ValueError(f"what has a video_startup_time did not end by {self.end}")


def sid_of(query: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
    """The id of the player that sent a request, by CMCD in its query or its headers."""
    data = query.get("CMCD") or headers.get("CMCD-Session") or ""
    found = _SID.search(data if '"' in data else unquote(data))
    return found[1] if found else None


class Players:
    """The players whose reports are taken. ``put`` gets each playback that has ended, and its last report."""

    def __init__(self, put: Callable[[Attempt, PlayerReport], None]) -> None:
        self._put = put
        self._players: OrderedDict[str, tuple[int, Attempt, PlayerReport | None]] = OrderedDict()

    def expect(self, sid: str, attempt: Attempt) -> None:
        """A player of this id was let in; one that tries another protocol goes on under its id."""
        self._forget(most=MOST_PLAYERS - 1)
        _, before, report = self._players.pop(sid, (0, attempt, None))
        if before.path != attempt.path:
            report = None
        self._players[sid] = now_ns(), attempt, report

    def take(self, path: str, report: PlayerReport) -> bool:
        """Takes a report; False where no such player was let in to this path."""
        self._forget()
        _, attempt, _ = self._players.get(report.sid, (0, None, None))
        if attempt is None or attempt.path != path:
            return False
        del self._players[report.sid]
        if report.end is None:
            self._players[report.sid] = now_ns(), attempt, report
        else:
            self._put(attempt, report)
        return True

    def close(self) -> None:
        """Gives away all reports that there are."""
        self._forget(most=0)

    def _forget(self, most: int = MOST_PLAYERS) -> None:
        until = now_ns() - SILENT_NS
        while self._players:
            sid, (heard_ns, attempt, report) = next(iter(self._players.items()))
            if heard_ns > until and len(self._players) <= most:
                break
            del self._players[sid]
            if report is not None:
                self._put(attempt, report)
