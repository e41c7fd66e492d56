"""Counts the journeys of viewers of a running relay.

The loop only puts what happens into a bounded queue. A thread takes it once a second, looks at sessions that
are on their way, and writes the sums.

Attempts over RTSP are told by the engine, from the connection on. Those over HTTP begin with a request to
this program, which says what it knows of them until there is a session, and the engine knows the rest::

    attempt = journeys.begin(path, "webrtc", user_agent=..., secure=True)
    attempt.reached("authorised")       # may watch
    attempt.reached("described")        # got the description, the playlist or what stands for it
    attempt.became(session)             # or attempt.refused(404), or attempt.ended("the client left")

:mod:`relaycore.web.viewing` does that for all handlers that let viewers in by it. Who carries viewers without
a session of the engine goes on with ``reached("set_up")``, ``"playing"``, ``"first_packet"`` and
``"first_key_frame"``, and then calls ``ended``. Players in browsers add what only they see: see
:mod:`relaycore.journeys.player`.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from relaycore._relaycore import Journey, Session, now_ns
from relaycore.errors import StateError
from relaycore.journeys.attempt import Attempt, Facts
from relaycore.journeys.counts import NO_PATH, UNCOUNTED, Counts, Group, Name, fold, fold_report, group_of
from relaycore.journeys.player import PlayerReport, Players
from relaycore.journeys.stages import ASKED_NOTHING, ASKS_WITHIN_NS, STAGES, WATCHED
from relaycore.journeys.store import Store
from relaycore.settings.journeys import JourneySettings

__all__ = ["Journeys"]

_log = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000

DAY: Final = 86_400 * SECOND

WATCHED_NS: Final = 10 * SECOND
"""How long a picture has to be sent to count as watched."""

PAUSE_S: Final = 1.0
"""Seconds from one look of the thread to the next: what a program that is killed may lose."""

AGAIN_NS: Final = 30 * SECOND
"""Until a session that is on its way still is looked at again."""

FORGET_S: Final = 3600.0
"""Seconds from one look for what is too old to the next."""

MOST_WAITING: Final = 20_000
"""Happenings that wait for the thread; what begins on top of them is not counted."""

MOST_EXPECTED: Final = 1000
"""Attempts that have become sessions of which nothing was told yet."""

MOST_COUNTS: Final = 100_000
"""Sums that wait to be written; more are given up."""

MOST_PATHS: Final = 1000
"""Paths of a day that are counted by themselves; those on top count together as :data:`OTHERS`."""

MOST_ENTRIES_OF_A_DAY: Final = 200_000
"""Sums of a day. Who tries names of programs and odd waits in numbers can make so many: what comes then
counts by protocol only, as :data:`OTHERS`."""

OTHERS: Final = "*"
"""Stands for what is not counted by itself."""


class _Live:
    """A session that has not ended: its group, once it is known, and how many stages it has passed."""

    __slots__ = ("before", "group", "reached", "session")

    def __init__(self, session: Session, before: Attempt | None) -> None:
        self.session = session
        self.group: Group | None = None
        self.before = before
        self.reached = 0


class _Day:
    """What is known of a day that is counted: the paths, and at most how many sums it has."""

    __slots__ = ("entries", "full", "name", "paths")

    def __init__(self, name: str, entries: int) -> None:
        self.name = name
        self.paths: set[str] = set()
        self.entries = entries
        self.full = entries >= MOST_ENTRIES_OF_A_DAY


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
        self.players: Final = Players(self._put_report)
        """The players in browsers that may report."""
        self._queue: deque[Callable[[], None]] = deque()
        self._expected: dict[str, Attempt] = {}
        self._lost = 0
        self._counts: Counts = Counts()
        self._live: dict[str, _Live] = {}
        self._due: list[tuple[int, int, str]] = []
        self._numbers = itertools.count()
        self._days: dict[int, _Day] = {}
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
        self.players.close()
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def begin(self, path: str, protocol: str, *, user_agent: str | None, secure: bool) -> Attempt:
        """An attempt has begun that the program serves: ``webrtc``, ``websocket``, ``mjpeg`` or ``hls``."""
        return Attempt(path, protocol, user_agent=user_agent, secure=secure, tell=self._told)

    def attempt(self, journey: Journey) -> None:
        """An attempt has ended without a session."""
        self._put(self._take_attempt, journey, self._known(journey.path, journey))

    def started(self, session: Session) -> None:
        """A session was set up."""
        before = self._expected.pop(session.id, None)
        if session.action == "read":
            self._put(self._take_start, session, before)

    def ended(self, session: Session, reason: str | None) -> None:
        """A session has ended."""
        if session.action == "read":
            # What has begun is counted to its end.
            self._put(self._take_end, session, reason or "", most=10 * MOST_WAITING)

    def flush(self) -> None:
        """Counts and writes all that has happened until now. Waits; not for the loop."""
        with self._turn:
            self._take()
            self._write()

    def _told(self, attempt: Attempt, session: Session | None) -> None:
        if session is None:
            self._put(self._take_attempt, attempt, self._known(attempt.path, attempt))
            return
        if len(self._expected) >= MOST_EXPECTED:
            self._expected.clear()
        attempt.transport = session.transport
        self._expected[session.id] = attempt

    def _put_report(self, attempt: Attempt, report: PlayerReport) -> None:
        self._put(self._take_report, attempt, self._known(attempt.path, attempt), report)

    def _known(self, path: str | None, facts: Facts) -> str:
        """The path under which an attempt is counted: what is not there has a stranger's word for a name."""
        path = path or NO_PATH
        return path if facts.described_ns is not None or self._is_there(path) else NO_PATH

    def _put(self, take: Callable[..., None], *what: object, most: int = MOST_WAITING) -> None:
        if len(self._queue) >= most:
            self._lost += 1
        else:
            self._queue.append(partial(take, *what))

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(PAUSE_S)
            try:
                self.flush()
            except Exception:
                _log.exception("counting journeys failed")
        self._store.close()

    def _take(self) -> None:
        for _ in range(len(self._queue)):
            self._queue.popleft()()
        now = now_ns()
        while self._due and self._due[0][0] <= now:
            _, _, session = heapq.heappop(self._due)
            waiting = self._live.get(session)
            if waiting is None or waiting.session.journey().ended_ns is not None:
                continue
            is_first = waiting.group is None
            self._look(waiting, None)
            if waiting.reached <= WATCHED:
                pause = self._watched_ns if is_first else AGAIN_NS
                heapq.heappush(self._due, (now + pause, next(self._numbers), session))

    def _take_attempt(self, facts: Facts, path: str) -> None:
        fold(self._counts, self._group(facts, path), facts, 0, watched_ns=self._watched_ns)

    def _take_start(self, session: Session, before: Attempt | None) -> None:
        # Many end at once, and are looked at once.
        self._live[session.id] = _Live(session, before)
        heapq.heappush(self._due, (now_ns() + SECOND, next(self._numbers), session.id))

    def _take_end(self, session: Session, reason: str) -> None:
        live = self._live.pop(session.id, None)
        self._look(_Live(session, None) if live is None else live, reason)

    def _take_report(self, attempt: Attempt, path: str, report: PlayerReport) -> None:
        fold_report(self._counts, self._group(attempt, path), report)

    def _look(self, live: _Live, reason: str | None) -> None:
        journey = live.session.journey()
        if reason is None and journey.ended_ns is not None:
            return  # its end is told, too
        # Over HLS nobody says when they leave.
        is_late = reason == ASKED_NOTHING or (reason is None and journey.protocol == "hls")
        if live.group is None:
            live.group = self._group(journey, live.session.path)
        live.reached = fold(
            self._counts,
            live.group,
            journey,
            live.reached,
            watched_ns=self._watched_ns,
            reason=reason,
            before=live.before,
            late_ns=ASKS_WITHIN_NS if is_late else 0,
        )

    def _group(self, journey: Facts, path: str) -> Group:
        number = self._unix_ns(journey.connected_ns) // DAY
        day = self._days.get(number) or self._begin_day(number)
        if path not in day.paths:
            if len(day.paths) >= MOST_PATHS:
                path = OTHERS
            day.paths.add(path)
        group = group_of(journey, day.name, path)
        return group._replace(path=OTHERS, client=OTHERS, transport="") if day.full else group

    def _begin_day(self, number: int) -> _Day:
        name = (date(1970, 1, 1) + timedelta(number)).isoformat()
        while len(self._days) > 2:
            del self._days[min(self._days)]
        try:
            entries = self._store.entries_of(name)
        except StateError:
            entries = 0  # which is told when it cannot be written, either
        day = self._days[number] = _Day(name, entries)
        return day

    def _note_entries(self, written: Counts) -> None:
        """Looks whether the days whose counts were just written have too many of them."""
        days = {day.name: day for day in self._days.values() if not day.full}
        for name, entries in written.days():
            day = days.get(name)
            if day is None or day.full:
                continue
            day.entries += entries
            if day.entries >= MOST_ENTRIES_OF_A_DAY:
                # Most of what was written had been there before.
                day.entries = self._store.entries_of(name)
                day.full = day.entries >= MOST_ENTRIES_OF_A_DAY
                if day.full:
                    _log.warning("journeys of %s are too many and too odd: counting by protocol only", name)

    def _write(self) -> None:
        now = now_ns()
        discarded = self._discarded()
        lost, self._lost = self._lost + discarded - self._discarded_before, 0
        self._discarded_before = discarded
        day = date(1970, 1, 1) + timedelta(self._unix_ns(now) // DAY)
        if lost:
            group = Group(day.isoformat(), NO_PATH, "", "", "")
            self._counts[group][Name(STAGES[0], UNCOUNTED)] += lost
        try:
            if self._counts:
                self._store.add(self._counts)
                written, self._counts = self._counts, Counts()
                self._note_entries(written)
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
            if self._counts.size() > MOST_COUNTS:
                _log.error("too many journeys wait to be written: they are given up")
                self._counts = Counts()
