"""Folds attempts to view into counts."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from relaycore.journeys.attempt import Facts
from relaycore.journeys.clients import family_of
from relaycore.journeys.histogram import bucket_of
from relaycore.journeys.player import PlayerReport
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, WATCHED, cause_of, ends_well

__all__ = ["NO_PATH", "PLAYER", "UNCOUNTED", "Count", "Counts", "Group", "fold", "fold_report", "group_of"]

NO_PATH: Final = ""
"""Stands for all paths that are not there: their names are strangers' words."""

UNCOUNTED: Final = "uncounted"
"""The kind of a count of attempts that were not counted, because too many came at once."""

PLAYER: Final = "player"
"""The stage of counts that players in browsers report."""


class Group(NamedTuple):
    """What attempts are counted by."""

    day: str
    path: str
    client: str
    protocol: str
    transport: str


class Count(NamedTuple):
    """What is counted, by ``kind``.

    ``passed``, ``skipped``, ``ended`` (``detail`` is the cause), ``took`` (``detail`` is the bucket of the
    time since the stage before) and ``startup`` (of that since the connection). Players report ``startup``,
    ``ended`` (``detail`` is how), ``error``, ``count`` and sums at the stage :data:`PLAYER`, and when they
    passed a stage as ``seen`` (``detail`` is the bucket of the time since play was asked for).
    """

    group: Group
    stage: str
    kind: str
    detail: str = ""


Counts = Counter[Count]


def group_of(journey: Facts, day: str, path: str) -> Group:
    """The group of an attempt at a path that is there, or at :data:`NO_PATH`."""
    secure = journey.secure
    protocol = {"rtsp": "rtsps", "rtsp-over-http": "rtsp-over-https"}.get(journey.protocol, journey.protocol)
    return Group(
        day,
        path,
        family_of(journey.user_agent),
        protocol if secure else journey.protocol,
        journey.transport or "",
    )


def fold(
    counts: Counts,
    group: Group,
    journey: Facts,
    reached: int,
    *,
    watched_ns: int,
    reason: str | None = None,
    before: Facts | None = None,
) -> int:
    """Counts what an attempt has passed beyond the first ``reached`` stages; how many it has passed now.

    Where it has ended, ``reason`` says why, or the journey itself. ``watched_ns`` is how long a picture has
    to be sent to count as watched. ``before`` knows better what came before the session.
    """
    times = _times(journey, watched_ns, before or journey)
    begun = times[0] or 0
    passed = max(number for number, time in enumerate(times) if time is not None) + 1
    for number in range(reached, passed):
        at, stage = times[number], STAGES[number]
        counts[Count(group, stage, "passed")] += 1
        if at is None:
            counts[Count(group, stage, "skipped")] += 1
        elif number > 0 and number != WATCHED:
            last = max(time for time in times[:number] if time is not None)
            counts[Count(group, stage, "took", str(bucket_of(at - last)))] += 1
        if number == FIRST_KEY_FRAME and at is not None:
            counts[Count(group, stage, "startup", str(bucket_of(at - begun)))] += 1
    passed = max(passed, reached)
    if journey.ended_ns is None:
        return passed
    cause = cause_of(journey, reason or journey.reason)
    if passed == WATCHED + 1 and ends_well(cause):
        counts[Count(group, STAGES[-1], "passed")] += 1
        lasted = journey.served_until_ns - (journey.first_picture_ns or 0)
        counts[Count(group, STAGES[-1], "took", str(bucket_of(lasted)))] += 1
        return len(STAGES)
    counts[Count(group, STAGES[passed - 1], "ended", cause)] += 1
    return passed


def fold_report(counts: Counts, group: Group, report: PlayerReport) -> None:
    """Counts what a player has reported last."""

    def add(kind: str, detail: str = "", number: int = 1) -> None:
        if number:
            counts[Count(group, PLAYER, kind, detail)] += number

    add("count")
    add("playing_ms", number=round(report.playing_time))
    add("rebuffering_ms", number=round(report.rebuffering_time))
    add("rebuffering_count", number=report.rebuffering_count)
    add("ended", report.end or "lost")
    if report.error is not None:
        add("error", report.error)
    if report.video_startup_time is not None:
        add("startup", str(bucket_of(round(report.video_startup_time * 1e6))))
    for stage, time in report.stages.items():
        counts[Count(group, stage, "seen", str(bucket_of(round(time * 1e6))))] += 1


def _times(journey: Facts, watched_ns: int, before: Facts) -> list[int | None]:
    """When each stage was passed; the last one is not known before the end."""
    picture = journey.first_picture_ns
    until = journey.served_until_ns
    return [
        before.connected_ns,
        before.secured_ns,
        before.authorised_ns,
        before.described_ns,
        journey.set_up_ns,
        journey.playing_ns,
        journey.first_packet_ns,
        picture,
        picture + watched_ns if picture is not None and until - picture >= watched_ns else None,
    ]
