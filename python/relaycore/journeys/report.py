"""What the counts say: how many attempts passed each stage, how long that took, and why others ended.

The same numbers go to the terminal, to the page and to the API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from relaycore.errors import StateError
from relaycore.journeys.counts import PLAYER, UNCOUNTED
from relaycore.journeys.histogram import median_ms
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, fate_of
from relaycore.journeys.store import ENTRY_BYTES, Store
from relaycore.language import Message

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
    playing_s: int
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
        store.read("BEGIN", ())  # what is counted meanwhile stays out of all of it
        # What is put into these queries are names of this module.
        days = store.read(f"SELECT min(day), max(day) FROM groups{where}", values)  # noqa: S608
        funnels, uncounted = _funnels(store, where, values)
    except ValueError as error:
        raise StateError(Message("{path} is damaged: {error}.", path=store.path, error=error)) from None
    finally:
        store.close()
    first, last = days[0] if days else (None, None)
    (whole,) = funnels[""]
    return Report(
        since=first and date.fromisoformat(first),
        until=last and date.fromisoformat(last),
        uncounted=uncounted,
        all=whole,
        paths=funnels["path"],
        clients=funnels["client"],
        protocols=funnels["protocol"],
        transports=funnels["transport"],
        days=sorted(funnels["day"], key=lambda funnel: funnel.name),
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


_NAMES: Final = "SELECT code, stage, kind, detail FROM names"

_ENTRY: Final = np.dtype([("code", "<u2"), ("count", "<u4")])
"""As :mod:`relaycore.journeys.store` keeps them."""

_BODIES: Final = "groups JOIN counts USING (number)"

IndexArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]

_Sums = dict[tuple[str, str], Counter[str]]
"""What is counted, by stage and kind: how often there is each detail."""


class _Parts:
    """The sums of the groups that have the same name in one dimension: of the names with the most attempts.

    ``owned`` has the name of each group and ``attempts`` how many it has. Of days, the newest are kept.
    """

    def __init__(self, dimension: str, owned: Sequence[str], attempts: Sequence[int], codes: int) -> None:
        numbers = {name: number for number, name in enumerate(dict.fromkeys(owned))}
        places = np.fromiter(map(numbers.__getitem__, owned), np.int64, len(owned))
        totals = np.bincount(places, weights=attempts, minlength=len(numbers))
        if dimension == "day":
            ordered = sorted(numbers, reverse=True)
        else:
            ordered = sorted(numbers, key=lambda name: (-totals[numbers[name]], name))
        self.names = ordered[:MOST_PARTS]
        kept = np.full(len(numbers) + 1, -1, np.int64)
        kept[[numbers[name] for name in self.names]] = np.arange(len(self.names))
        self._places = kept[places]
        self._codes = codes
        self._sums = np.zeros(len(self.names) * codes)

    def add(self, owners: IndexArray, codes: IndexArray, counts: FloatArray) -> None:
        """Adds sums; ``owners`` says to which group each belongs."""
        places = self._places[owners]
        if len(self._places) and self._places.min() < 0:
            kept = places >= 0
            places, codes, counts = places[kept], codes[kept], counts[kept]
        self._sums += np.bincount(places * self._codes + codes, counts, len(self._sums))

    def sums(self, place: int, known: Mapping[int, tuple[str, str, str]]) -> _Sums:
        """What is counted under one of the names."""
        row = self._sums[place * self._codes : (place + 1) * self._codes]
        found: _Sums = {}
        for code in np.flatnonzero(row).tolist():
            stage, kind, detail = known[code]
            details = found.get((stage, kind))
            if details is None:
                details = found[stage, kind] = Counter()
            details[detail] = int(row[code])
        return found


def _funnels(store: Store, where: str, values: list[str]) -> tuple[dict[str, list[Funnel]], int]:
    """The funnels of each dimension, and under no name that of all together; what was not counted."""
    known = {code: (stage, kind, detail) for code, stage, kind, detail in store.read(_NAMES, ())}
    known[0] = ("", "", "")
    codes = max(known) + 1
    columns = ", ".join(DIMENSIONS)
    # What was not counted has no client, and is no part of any dimension.
    counted = f"FROM groups{where} AND client != ''"
    groups = store.read(f"SELECT number, attempts, {columns} {counted}", values)
    numbers, attempts, *names = zip(*groups, strict=True) if groups else [()] * (2 + len(DIMENSIONS))
    parts = {
        dimension: _Parts(dimension, owned, attempts, codes)
        for dimension, owned in zip(DIMENSIONS, names, strict=True)
    }
    whole = _Parts("", [""] * len(groups), attempts, codes)
    places = {number: place for place, number in enumerate(numbers)}
    for rows in store.read_parts(f"SELECT number, body {counted.replace('groups', _BODIES)}", values):
        owned, bodies = zip(*rows, strict=True)
        entries = np.frombuffer(b"".join(bodies), dtype=_ENTRY)
        sizes = [len(body) // ENTRY_BYTES for body in bodies]
        owners = np.repeat(np.array([places[number] for number in owned], np.int64), sizes)
        written = entries["code"].astype(np.int64)
        written[written >= codes] = 0  # no code
        counts = entries["count"].astype(np.float64)
        for part in (whole, *parts.values()):
            part.add(owners, written, counts)
    uncounted = Counter[str]()
    query = f"SELECT body FROM {_BODIES}{where} AND client = ''"  # noqa: S608
    for (body,) in store.read(query, values):
        for code, count in np.frombuffer(body, dtype=_ENTRY).tolist():
            uncounted[known.get(code, known[0])[1]] += count
    found: dict[str, list[Funnel]] = {
        dimension: [_funnel(name, part.sums(place, known)) for place, name in enumerate(part.names)]
        for dimension, part in parts.items()
    }
    return {"": [_funnel("", whole.sums(0, known) if groups else {})], **found}, uncounted[UNCOUNTED]


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
    playing_s, still_ms = _total(sums, PLAYER, "playing_s"), _total(sums, PLAYER, "rebuffering_ms")
    whole_ms = playing_s * 1000 + still_ms
    return Playbacks(
        count=count,
        video_startup_ms=_median(sums.get((PLAYER, "startup"), Counter())),
        video_start_failures=ends["video_start_failure"],
        exits_before_video_start=ends["exit_before_video_start"],
        video_playback_failures=ends["video_playback_failure"],
        lost=ends["lost"],
        playing_s=playing_s,
        rebuffering_count=_total(sums, PLAYER, "rebuffering_count"),
        rebuffering_ratio=round(still_ms / whole_ms, 6) if whole_ms else None,
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
