"""The one thread that writes the ledger of a relay.

Records are put into a bounded queue and never waited for, unless somebody asks to: then a future tells when
they are on the disk, or that they are not. What could not be written is tried again until it is, or until
there are too many, which is counted and told. The first record after a pause is written at once; those that
come in quick succession are written together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.ledger.records import Kind, Record, now_ms
from relaycore.ledger.retention import remove_old
from relaycore.ledger.running import Running
from relaycore.ledger.schema import trouble
from relaycore.ledger.store import LedgerFile
from relaycore.settings.ledger import RetentionSettings

__all__ = ["Entry", "Writer"]

_log = logging.getLogger(__name__)

MOST_WAITING: Final = 10_000
"""Records that wait to be written; what comes on top is lost."""

MOST_TOGETHER: Final = 1_000
"""Records of one transaction."""

PAUSE_S: Final = 0.075
"""Seconds from one transaction to the next: each costs about as much as writing forty records."""

RETRY_S: Final = 1.0
"""Seconds until it is tried again to write what could not be written, unless somebody waits for it."""

RETENTION_S: Final = 600.0
"""Seconds from one look for what is too old to the next."""


Told = Callable[[StateError | None], None]
"""Is told whether a record is on the disk, or why it is not."""


class Entry:
    """A record on its way. ``written`` when it is on the disk, ``lost`` when it never will be."""

    __slots__ = ("lost", "record", "waiters", "written")

    def __init__(self, record: Record | None) -> None:
        self.record = record
        self.written = False
        self.lost = False
        self.waiters: list[Told] = []


class Writer:
    """The thread and its queue. The methods are called from the loop.

    ``file`` belongs to the thread from :meth:`start` to :meth:`close`.
    """

    def __init__(self, file: LedgerFile, running: Running, retention: RetentionSettings) -> None:
        self.written: Counter[Kind] = Counter()
        """Records that were written since the start, by kind."""
        self.lost = 0
        """Records that were not, and never will be."""
        self.failure: str | None = None
        """Why the last attempt to write failed; ``None`` where it did not."""
        self._file = file
        self._running = running
        self._retention = retention
        self._loop = asyncio.get_running_loop()
        self._news = threading.Condition()
        self._queue: deque[Entry] = deque()
        self._idle = False
        self._stopping = False
        self._stopped = threading.Event()
        # Somebody waits, and would rather see another attempt than wait for long.
        self._hurry = threading.Event()
        self._begun = False
        self._removed_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="relaycore-ledger", daemon=True)

    @property
    def waiting(self) -> int:
        """Records that wait to be written."""
        return len(self._queue)

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Writes what waits, but not for longer than ``timeout`` seconds, and ends the thread. Waits."""
        with self._news:
            self._stopping = True
            self._news.notify()
        self._stopped.set()
        self._hurry.set()
        self._thread.join(timeout)
        left = len(self._queue)
        if left or self._thread.is_alive():
            self.lost += left
            _log.error("the ledger could not be written before the end: %d records are lost", left)

    def put(self, record: Record | None) -> Entry:
        """Puts a record into the queue, or nothing, to see whether writing works."""
        entry = Entry(record)
        with self._news:
            if len(self._queue) >= MOST_WAITING or self._stopping:
                entry.lost = True
                self.lost += 1
            else:
                self._queue.append(entry)
                # While it rests, it is not woken for each record.
                if self._idle:
                    self._idle = False
                    self._news.notify()
        if entry.lost and (self.lost == 1 or self.lost % MOST_TOGETHER == 0):
            _log.error("too many records wait for the ledger: %d are lost", self.lost)
        return entry

    def when_written(self, entry: Entry, told: Told) -> None:
        """Calls ``told`` in the loop when a record is on the disk, or as soon as writing it fails once."""
        with self._news:
            if not (entry.written or entry.lost):
                entry.waiters.append(told)
                self._hurry.set()
                return
        told(
            None
            if entry.written
            else StateError(Message("Too many records wait for the ledger: some are lost."))
        )

    async def wait(self, entry: Entry) -> None:
        """Returns when a record is on the disk. StateError as soon as an attempt to write it fails."""
        waiter: asyncio.Future[None] = self._loop.create_future()

        def tell(error: StateError | None) -> None:
            if waiter.done():
                return
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

        self.when_written(entry, tell)
        await waiter

    def _run(self) -> None:
        while True:
            with self._news:
                self._idle = True
                while not (self._queue or self._stopping):
                    if not self._news.wait(max(0.0, self._removed_at + RETENTION_S - time.monotonic())):
                        break
                self._idle = False
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_TOGETHER))]
                if self._stopping and not batch:
                    break
            self._hurry.clear()
            if not self._write(batch) and self._stopping:
                break
            self._rest()
        self._file.close()
        self._running.end()

    def _rest(self) -> None:
        """Waits until it is time for the next transaction; after a failure, until somebody cannot wait."""
        if self.failure is None:
            self._stopped.wait(PAUSE_S)
        else:
            self._hurry.wait(RETRY_S)

    def _write(self, batch: list[Entry]) -> bool:
        """Writes records, or puts them back. False where that did not work."""
        try:
            self._begin()
            self._append(batch)
            self._remove_old()
        except StateError as error:
            self._failed(batch, error)
            return False
        return True

    def _worked(self) -> None:
        if self.failure is not None:
            self.failure = None
            _log.warning("the ledger is written again; %d records are lost since the start", self.lost)

    def _begin(self) -> None:
        """Opens the ledger at first."""
        if self._begun:
            return
        self._file.open()
        try:
            self._running.begin(self._file.end_open)
        except (sqlite3.Error, OSError) as error:
            raise trouble(self._running.path, error) from None
        self._begun = True
        self._worked()

    def _append(self, batch: list[Entry]) -> None:
        records = [entry.record for entry in batch if entry.record is not None]
        if records:
            try:
                self._file.append(records)
            except StateError:
                raise
            except Exception:
                self._append_one_by_one(batch)
                return
            self.written.update(record.kind() for record in records)
            self._worked()
        self._settle(batch, None)

    def _append_one_by_one(self, batch: list[Entry]) -> None:
        """One that cannot be written at all must not keep the others from it."""
        for entry in batch:
            if len(batch) > 1:
                self._append([entry])
            else:
                _log.exception("a record cannot be written, and is lost")
                self.lost += 1
                entry.lost = True
                self._settle(batch, StateError(Message("The ledger cannot write this: its log says why.")))

    def _remove_old(self) -> None:
        """Deletes what is old enough, from time to time."""
        if time.monotonic() < self._removed_at + RETENTION_S:
            return
        self._removed_at = time.monotonic()
        removed = remove_old(self._file, self._retention, now_ms())
        if removed:
            self._worked()
            _log.info("%d records of the ledger were old enough to be deleted", removed)

    def _failed(self, batch: list[Entry], error: StateError) -> None:
        if self.failure is None:
            _log.error("the ledger cannot be written: %s", error)
        self.failure = str(error)
        unwritten = [entry for entry in batch if not (entry.written or entry.lost)]
        with self._news:
            self._queue.extendleft(reversed([entry for entry in unwritten if entry.record is not None]))
        self._settle(unwritten, error)

    def _settle(self, entries: Iterable[Entry], error: StateError | None) -> None:
        """Tells those who wait. Without an ``error``, the records are written."""
        waiters: list[Told] = []
        with self._news:
            for entry in entries:
                entry.written = error is None
                waiters += entry.waiters
                entry.waiters = []
        if waiters:
            # A loop that is closed has nobody who waits.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_tell, waiters, error)


def _tell(waiters: list[Told], error: StateError | None) -> None:
    for told in waiters:
        told(error)
