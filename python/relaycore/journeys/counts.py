"""Folds attempts to view into counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from relaycore.journeys.attempt import Facts
from relaycore.journeys.clients import family_of
from relaycore.journeys.histogram import LAST, bucket_of
from relaycore.journeys.player import PlayerReport
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, WATCHED, cause_of, ends_well

__all__ = ["NO_PATH", "PLAYER", "UNCOUNTED", "Counts", "Group", "Name", "fold", "fold_report", "group_of"]

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


class Name(NamedTuple):
    """What is counted, by ``kind``.

    ``passed``, ``skipped``, ``ended`` (``detail`` is the cause), ``took`` (``detail`` is the bucket of the
    time since the stage before) and ``startup`` (of that since the connection). Players report ``startup``,
    ``ended`` (``detail`` is how), ``error``, ``count`` and sums at the stage :data:`PLAYER`, and when they
    passed a stage as ``seen`` (``detail`` is the bucket of the time since play was asked for).
    """

    stage: str
    kind: str
    detail: str = ""


class Counts(dict[Group, defaultdict[Name, int]]):
    """How often there is what, by group."""

    def __missing__(self, group: Group) -> defaultdict[Name, int]:
        self[group] = sums = defaultdict[Name, int](int)
        return sums

    def size(self) -> int:
        """How many sums there are."""
        return sum(map(len, self.values()))

    def days(self) -> Iterator[tuple[str, int]]:
        """The day of each group, and how many sums it has."""
        return ((group.day, len(sums)) for group, sums in self.items())


# Names that are counted all the time, so that none is made anew.
_BUCKETS: Final = [str(bucket) for bucket in range(LAST + 1)]
_PASSED: Final = [Name(stage, "passed") for stage in STAGES]
_SKIPPED: Final = [Name(stage, "skipped") for stage in STAGES]
_TOOK: Final = [[Name(stage, "took", bucket) for bucket in _BUCKETS] for stage in STAGES]
_ENCRYPTED: Final = {
    "rtsp": "rtsps",
    "rtsp-over-http": "rtsp-over-https",
    "rtsp-over-websocket": "rtsp-over-websockets",
}
"""What protocols are called where they are encrypted."""
_STARTUP: Final = [Name(STAGES[FIRST_KEY_FRAME], "startup", bucket) for bucket in _BUCKETS]


def group_of(journey: Facts, day: str, path: str) -> Group:
    """The group of an attempt at a path that is there, or at :data:`NO_PATH`."""
    protocol = journey.protocol
    if journey.secure:
        protocol = _ENCRYPTED.get(protocol, protocol)
    return Group(day, path, family_of(journey.user_agent), protocol, journey.transport or "")


def fold(
    counts: Counts,
    group: Group,
    journey: Facts,
    reached: int,
    *,
    watched_ns: int,
    reason: str | None = None,
    before: Facts | None = None,
    late_ns: int = 0,
) -> int:
    """Counts what an attempt has passed beyond the first ``reached`` stages; how many it has passed now.

    Where it has ended, ``reason`` says why, or the journey itself. ``watched_ns`` is how long a picture has
    to be sent to count as watched. ``before`` knows better what came before the session.
    It was served for ``late_ns`` less than the journey says.
    """
    sums = counts[group]
    times = _times(journey, watched_ns + late_ns, before or journey)
    begun = last = times[0] or 0
    passed = WATCHED + 1
    while times[passed - 1] is None:
        passed -= 1
    for number, at in enumerate(times[:passed]):
        if number >= reached:
            sums[_PASSED[number]] += 1
            if at is None:
                sums[_SKIPPED[number]] += 1
            elif 0 < number < WATCHED:
                sums[_TOOK[number][bucket_of(at - last)]] += 1
                if number == FIRST_KEY_FRAME:
                    sums[_STARTUP[bucket_of(at - begun)]] += 1
        if at is not None and at > last:
            last = at
    passed = max(passed, reached)
    if journey.ended_ns is None:
        return passed
    cause = cause_of(journey, reason or journey.reason)
    if passed == WATCHED + 1 and ends_well(cause):
        lasted = journey.served_until_ns - late_ns - (journey.first_picture_ns or 0)
        sums[_PASSED[-1]] += 1
        sums[_TOOK[-1][bucket_of(lasted)]] += 1
        return len(STAGES)
    sums[Name(STAGES[passed - 1], "ended", cause)] += 1
    return passed


def fold_report(counts: Counts, group: Group, report: PlayerReport) -> None:
    """Counts what a player has reported last."""
    sums = counts[group]
    sums[Name(PLAYER, "count")] += 1
    sums[Name(PLAYER, "ended", report.end or "lost")] += 1
    for kind, number in (
        ("playing_s", round(report.playing_time / 1000)),
        ("rebuffering_ms", round(report.rebuffering_time)),
        ("rebuffering_count", report.rebuffering_count),
    ):
        if number:
            sums[Name(PLAYER, kind)] += number
    if report.error is not None:
        sums[Name(PLAYER, "error", report.error)] += 1
    if report.video_startup_time is not None:
        sums[Name(PLAYER, "startup", _bucket_of_ms(report.video_startup_time))] += 1
    for stage, time in report.stages.items():
        sums[Name(stage, "seen", _bucket_of_ms(time))] += 1


def _bucket_of_ms(time: float) -> str:
    return _BUCKETS[bucket_of(round(time * 1e6))]


def _times(journey: Facts, watched_ns: int, before: Facts) -> tuple[int | None, ...]:
    """When each stage was passed; the last one is not known before the end."""
    picture = journey.first_picture_ns
    watched = picture is not None and journey.served_until_ns - picture >= watched_ns
    return (
        before.connected_ns,
        before.secured_ns,
        before.authorised_ns,
        before.described_ns,
        journey.set_up_ns,
        journey.playing_ns,
        journey.first_packet_ns,
        picture,
        picture if watched else None,
    )
