"""What the counts say: how many attempts passed each stage, how long that took, and why others ended.

The same numbers go to the terminal, to the page and to the API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from relaycore.journeys.counts import PLAYER, UNCOUNTED
from relaycore.journeys.histogram import median_ms
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, fate_of
from relaycore.journeys.store import Store

__all__ = ["DIMENSIONS", "Dimension", "Funnel", "Question", "Report", "Stage", "ask"]

Dimension = Literal["path", "client", "protocol", "transport", "day"]

DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)

MOST_PARTS: Final = 100
"""Funnels of one dimension, those with the most attempts; for days the newest."""

LONGEST: Final = 256
"""Characters of a name that is asked for."""

Name = Annotated[str, Meta(max_length=LONGEST)]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which attempts to report."""

    since: date | None = None
    """Only those of this day (UTC) and later."""
    until: date | None = None
    """Only those of this day and before."""
    path: Name | None = None
    """Only those at this path; the empty one is that of all paths that are not there."""
    client: Name | None = None
    """Only those of this family of clients, such as `VLC`."""
    protocol: Name | None = None
    """Only those over this protocol, such as `rtsps`."""
    transport: Name | None = None
    """Only those over this transport: `tcp`, `udp` or `multicast`; empty for those that came to none."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why attempts ended at a stage, and how many."""

    cause: str
    count: int


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage and the attempts that came to it."""

    stage: str
    passed: int
    """Attempts that passed it, or passed it over."""
    skipped: int
    """Those that passed it over, since they did not need it."""
    ended: list[Cause]
    """Why attempts ended after this stage and before the next; the most frequent cause first."""
    median_ms: float | None
    """Median of the time since the stage before; of the last one, of the time since the first key frame."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """When players saw a stage."""

    stage: str
    count: int
    median_ms: float | None
    """Median of the time since play was asked for."""


class Playbacks(msgspec.Struct, frozen=True, kw_only=True):
    """What players in browsers reported, by the names of CTA-2066."""

    count: int
    """Playbacks that were reported."""
    video_startup_ms: float | None
    """Median time from asking for play to the first picture that was shown."""
    video_start_failures: int
    exits_before_video_start: int
    video_playback_failures: int
    lost: int
    """Playbacks whose end was not reported."""
    playing_s: float
    """Time in which pictures moved, of all playbacks together."""
    rebuffering_count: int
    """How often pictures stood still for want of media."""
    rebuffering_ratio: float | None
    """Share of the time in which they stood still."""
    errors: list[Cause]
    """What went wrong last, the most frequent first."""
    stages: list[Seen]


class Funnel(msgspec.Struct, frozen=True, kw_only=True):
    """How far a number of attempts came."""

    name: str
    """Of the path, family of clients, protocol, transport or day; empty for all together."""
    attempts: int
    startup_ms: float | None
    """Median *startup time* (CTA-2066): from the connection to the first key frame that was sent."""
    start_failures: int
    """*Video start failures* (CTA-2066): ended before the first key frame, and not by the client."""
    exits_before_start: int
    """*Exits before video start* (CTA-2066): the client went before the first key frame."""
    refused: int
    """Ended before the first key frame since the client might not watch."""
    stages: list[Stage]
    playbacks: Playbacks | None
    """What players reported; null where none did."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The funnels of what was asked for. Days are those of UTC."""

    since: date | None
    """The first day that was counted."""
    until: date | None
    """The last one."""
    uncounted: int
    """Attempts that were not counted, since too many came at once."""
    all: Funnel
    paths: list[Funnel]
    clients: list[Funnel]
    protocols: list[Funnel]
    transports: list[Funnel]
    days: list[Funnel]

    def by(self, dimension: Dimension) -> list[Funnel]:
        """The funnels of one dimension."""
        return {
            "path": self.paths,
            "client": self.clients,
            "protocol": self.protocols,
            "transport": self.transports,
            "day": self.days,
        }[dimension]


def ask(folder: Path, question: Question) -> Report:
    """The report of what is in a state folder. StateError where it cannot be read. Waits."""
    store = Store(folder)
    try:
        where, values = _where(question)
        whole = _funnels(store, "''", where, values)
        parts = {dimension: _funnels(store, dimension, where, values) for dimension in DIMENSIONS}
        days = store.read(f"SELECT min(day), max(day) FROM counts{where}", values)  # noqa: S608
        uncounted = store.read(f"SELECT sum(count) FROM counts{where} AND kind = '{UNCOUNTED}'", values)  # noqa: S608
    finally:
        store.close()
    first, last = days[0] if days else (None, None)
    for dimension, funnels in parts.items():
        if dimension == "day":
            funnels.sort(key=lambda funnel: funnel.name, reverse=True)
        else:
            funnels.sort(key=lambda funnel: (-funnel.attempts, funnel.name))
    return Report(
        since=first and date.fromisoformat(first),
        until=last and date.fromisoformat(last),
        uncounted=uncounted[0][0] or 0 if uncounted else 0,
        all=whole[0] if whole else _funnel("", {}),
        paths=parts["path"][:MOST_PARTS],
        clients=parts["client"][:MOST_PARTS],
        protocols=parts["protocol"][:MOST_PARTS],
        transports=parts["transport"][:MOST_PARTS],
        days=parts["day"][:MOST_PARTS][::-1],
    )


def _where(question: Question) -> tuple[str, list[str]]:
    """The condition of a query, which begins with WHERE, and its values."""
    terms, values = ["TRUE"], []
    for term, value in (("day >= ?", question.since), ("day <= ?", question.until)):
        if value is not None:
            terms.append(term)
            values.append(value.isoformat())
    for name in ("path", "client", "protocol", "transport"):
        wanted = getattr(question, name)
        if wanted is not None:
            terms.append(f"{name} = ?")
            values.append(wanted)
    return f" WHERE {' AND '.join(terms)}", values


_Sums = dict[tuple[str, str], Counter[str]]
"""What is counted, by stage and kind: how often there is each detail."""


def _funnels(store: Store, dimension: str, where: str, values: Iterable[str]) -> list[Funnel]:
    # What is put into the query are names of this module.
    rows = store.read(
        f"SELECT {dimension} AS name, stage, kind, detail, sum(count) FROM counts{where}"  # noqa: S608
        f" AND kind != '{UNCOUNTED}' GROUP BY name, stage, kind, detail",
        list(values),
    )
    found: dict[str, _Sums] = {}
    for name, stage, kind, detail, count in rows:
        found.setdefault(name, {}).setdefault((stage, kind), Counter())[detail] += count
    return [_funnel(name, sums) for name, sums in found.items()]


def _funnel(name: str, sums: _Sums) -> Funnel:
    fates: Counter[str] = Counter()
    for stage in STAGES[:FIRST_KEY_FRAME]:
        for cause, count in sums.get((stage, "ended"), Counter()).items():
            fates[fate_of(cause)] += count
    return Funnel(
        name=name,
        attempts=_total(sums, STAGES[0], "passed"),
        startup_ms=_median(sums.get((STAGES[FIRST_KEY_FRAME], "startup"), Counter())),
        start_failures=fates["failed"],
        exits_before_start=fates["left"],
        refused=fates["refused"],
        stages=[
            Stage(
                stage=stage,
                passed=_total(sums, stage, "passed"),
                skipped=_total(sums, stage, "skipped"),
                ended=_causes(sums.get((stage, "ended"), Counter())),
                median_ms=_median(sums.get((stage, "took"), Counter())),
            )
            for stage in STAGES
        ],
        playbacks=_playbacks(sums),
    )


def _playbacks(sums: _Sums) -> Playbacks | None:
    count = _total(sums, PLAYER, "count")
    if not count:
        return None
    ends = sums.get((PLAYER, "ended"), Counter())
    playing, still = _total(sums, PLAYER, "playing_ms"), _total(sums, PLAYER, "rebuffering_ms")
    return Playbacks(
        count=count,
        video_startup_ms=_median(sums.get((PLAYER, "startup"), Counter())),
        video_start_failures=ends["video_start_failure"],
        exits_before_video_start=ends["exit_before_video_start"],
        video_playback_failures=ends["video_playback_failure"],
        lost=ends["lost"],
        playing_s=playing / 1000,
        rebuffering_count=_total(sums, PLAYER, "rebuffering_count"),
        rebuffering_ratio=round(still / (playing + still), 6) if playing + still else None,
        errors=_causes(sums.get((PLAYER, "error"), Counter())),
        stages=[
            Seen(stage=stage, count=seen.total(), median_ms=_median(seen))
            for stage in STAGES
            if (seen := sums.get((stage, "seen"), Counter()))
        ],
    )


def _causes(counts: Counter[str]) -> list[Cause]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Cause(cause=cause, count=count) for cause, count in ordered]


def _total(sums: _Sums, stage: str, kind: str) -> int:
    return sums.get((stage, kind), Counter()).total()


def _median(buckets: Counter[str]) -> float | None:
    found = median_ms({int(bucket): count for bucket, count in buckets.items()})
    return None if found is None else float(f"{found:.3g}")
