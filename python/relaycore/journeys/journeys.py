"""Counts the journeys of viewers of a running relay.

The loop only puts what happens into a bounded queue. A thread takes it once a second, looks at sessions that
are on their way, and writes the sums.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from relaycore._relaycore import Journey, Session, now_ns
from relaycore.errors import StateError
from relaycore.journeys.counts import NO_PATH, UNCOUNTED, Count, Counts, Group, fold, group_of
from relaycore.journeys.stages import WATCHED
from relaycore.journeys.store import Store
from relaycore.settings.journeys import JourneySettings

__all__ = ["Journeys"]

_log = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000

WATCHED_NS: Final = 10 * SECOND
"""How long a picture has to be sent to count as watched."""

PAUSE_S: Final = 1.0
"""Seconds from one look of the thread to the next: what a program that is killed may lose."""

AGAIN_NS: Final = 30 * SECOND
"""Until a session that is on its way still is looked at again."""

FORGET_S: Final = 3600.0
"""Seconds from one look for what is too old to the next."""

MOST_WAITING: Final = 20_000
"""Happenings that wait for the thread; what comes on top is not counted."""

MOST_COUNTS: Final = 100_000
"""Sums that wait to be written; more are given up."""

MOST_PATHS: Final = 1000
"""Paths of a day that are counted by themselves; those on top count together as :data:`OTHERS`."""

MOST_ROWS_OF_A_DAY: Final = 200_000
"""Sums of a day. Who tries names of programs and odd waits in numbers can make so many: what comes then
counts by protocol only, as :data:`OTHERS`."""

OTHERS: Final = "*"
"""Stands for what is not counted by itself."""


class _Live:
    """A session that has not ended: its group and how many stages it has passed."""

    __slots__ = ("group", "reached", "session")

    def __init__(self, session: Session, group: Group) -> None:
        self.session = session
        self.group = group
        self.reached = 0


class _Day:
    """What is known of a day that is counted: the paths, and at most how many sums it has."""

    __slots__ = ("full", "paths", "rows")

    def __init__(self, rows: int) -> None:
        self.paths: set[str] = set()
        self.rows = rows
        self.full = rows >= MOST_ROWS_OF_A_DAY


class Journeys:
    """The counts of one relay. :meth:`attempt`, :meth:`started` and :meth:`ended` are called from the loop.

    ``is_there`` says whether there is a path; ``discarded`` how many attempts the engine could not tell.
    """

    def __init__(
        self,
        folder: Path,
        settings: JourneySettings,
        *,
        unix_ns: Callable[[int], int],
        is_there: Callable[[str], bool],
        discarded: Callable[[], int] = lambda: 0,
    ) -> None:
        self.folder = folder
        """The state folder."""
        self._keep_days = settings.keep_days
        self._unix_ns = unix_ns
        self._is_there = is_there
        self._discarded = discarded
        self._discarded_before = 0
        self._watched_ns = WATCHED_NS
        self._store = Store(folder)
        self._queue: deque[tuple[Session | Journey, str | None, str]] = deque()
        self._lost = 0
        self._counts: Counts = Counts()
        self._live: dict[str, _Live] = {}
        self._due: list[tuple[int, int, str]] = []
        self._numbers = itertools.count()
        self._days: dict[str, _Day] = {}
        self._forget_at = 0
        self._failed = False
        self._stopping = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="relaycore-journeys", daemon=True)

    def start(self) -> None:
        """Begins to count."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Counts what has happened until now, writes it, and ends the thread. Waits up to ``timeout`` s."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def attempt(self, journey: Journey) -> None:
        """An attempt has ended without a session."""
        path = journey.path or NO_PATH
        known = path if journey.described_ns is not None or self._is_there(path) else NO_PATH
        self._put(journey, None, known)

    def started(self, session: Session) -> None:
        """A session was set up."""
        if session.action == "read":
            self._put(session, None, session.path)

    def ended(self, session: Session, reason: str | None) -> None:
        """A session has ended."""
        if session.action == "read":
            self._put(session, reason or "", session.path)

    def flush(self) -> None:
        """Counts and writes all that has happened until now. Waits; not for the loop."""
        with self._turn:
            self._take(now_ns())
            self._write()

    def _put(self, what: Session | Journey, reason: str | None, path: str) -> None:
        if len(self._queue) >= MOST_WAITING:
            self._lost += 1
        else:
            self._queue.append((what, reason, path))

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(PAUSE_S)
            try:
                self.flush()
            except Exception:
                _log.exception("counting journeys failed")
        self._store.close()

    def _take(self, now: int) -> None:
        for _ in range(len(self._queue)):
            what, reason, path = self._queue.popleft()
            if isinstance(what, Journey):
                fold(self._counts, self._group(what, path), what, 0, watched_ns=self._watched_ns)
            elif reason is None:
                live = self._live[what.id] = _Live(what, self._group(what.journey(), path))
                self._look(live, what.journey(), None)
                if live.reached <= WATCHED:
                    due = now + min(self._watched_ns + SECOND, AGAIN_NS)
                    heapq.heappush(self._due, (due, next(self._numbers), what.id))
            else:
                journey = what.journey()
                ended = self._live.pop(what.id, None) or _Live(what, self._group(journey, path))
                self._look(ended, journey, reason)
        while self._due and self._due[0][0] <= now:
            _, _, session = heapq.heappop(self._due)
            waiting = self._live.get(session)
            if waiting is None or waiting.session.journey().ended_ns is not None:
                continue
            self._look(waiting, waiting.session.journey(), None)
            if waiting.reached <= WATCHED:
                heapq.heappush(self._due, (now + AGAIN_NS, next(self._numbers), session))

    def _look(self, live: _Live, journey: Journey, reason: str | None) -> None:
        if reason is None and journey.ended_ns is not None:
            return  # its end is told, too
        live.reached = fold(
            self._counts, live.group, journey, live.reached, watched_ns=self._watched_ns, reason=reason
        )

    def _group(self, journey: Journey, path: str) -> Group:
        name = self._day(journey.connected_ns).isoformat()
        day = self._days.get(name) or self._begin_day(name)
        if path not in day.paths:
            if len(day.paths) >= MOST_PATHS:
                path = OTHERS
            day.paths.add(path)
        group = group_of(journey, name, path)
        return group._replace(path=OTHERS, client=OTHERS, transport="") if day.full else group

    def _begin_day(self, name: str) -> _Day:
        while len(self._days) > 2:
            del self._days[min(self._days)]
        try:
            rows = self._store.rows_of(name)
        except StateError:
            rows = 0  # which is told when it cannot be written, either
        day = self._days[name] = _Day(rows)
        return day

    def _note_rows(self, written: Counts) -> None:
        """Looks whether the days whose counts were just written have too many of them."""
        for name, rows in Counter(count.group.day for count in written).items():
            day = self._days.get(name)
            if day is None or day.full:
                continue
            day.rows += rows
            if day.rows >= MOST_ROWS_OF_A_DAY:
                # Most of what was written had been there before.
                day.rows = self._store.rows_of(name)
                day.full = day.rows >= MOST_ROWS_OF_A_DAY
                if day.full:
                    _log.warning("journeys of %s are too many and too odd: counting by protocol only", name)

    def _day(self, at_ns: int) -> date:
        return datetime.fromtimestamp(self._unix_ns(at_ns) // SECOND, UTC).date()

    def _write(self) -> None:
        now = now_ns()
        discarded = self._discarded()
        lost, self._lost = self._lost + discarded - self._discarded_before, 0
        self._discarded_before = discarded
        day = self._day(now)
        if lost:
            group = Group(day.isoformat(), NO_PATH, "", "", "")
            self._counts[Count(group, "connected", UNCOUNTED)] += lost
        try:
            if self._counts:
                self._store.add(self._counts)
                written, self._counts = self._counts, Counts()
                self._note_rows(written)
            if now >= self._forget_at:
                self._store.forget(
                    (day - timedelta(days=self._keep_days)).isoformat() if self._keep_days else ""
                )
                self._forget_at = now + int(FORGET_S * SECOND)
            self._failed = False
        except StateError as error:
            if not self._failed:
                _log.warning("journeys are not written: %s", error)
            self._failed = True
            if len(self._counts) > MOST_COUNTS:
                _log.error("too many journeys wait to be written: they are given up")
                self._counts = Counts()
