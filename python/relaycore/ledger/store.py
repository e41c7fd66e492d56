"""Writes records: each transaction adds some to their chains, and signs the new head.

Several programs may write to one ledger, the relay and ``relaycore user`` among them: SQLite lets one at a
time, and each begins where the signed head says that the others have come to. A head that is not signed by
the key, or that is behind what this program itself has written, is not built upon.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.ledger.chain import (
    Head,
    Tip,
    digest_of,
    genesis,
    head_message,
    link_of,
    record_message,
)
from relaycore.ledger.keys import SigningKey
from relaycore.ledger.records import KINDS, Kind, Opening, Record, Removal, Session, encode, now_ms
from relaycore.ledger.schema import LEDGER_FILE, Synchronous, connect, trouble

__all__ = ["BUSY_S", "LedgerFile", "has_ledger"]

BUSY_S: Final = 2.0
"""Seconds to wait for another program that writes."""

REMOVED_AT_ONCE: Final = 10_000
"""Records that one transaction deletes, so that others need not wait for long."""

_NO_END: Final = "the relay ended without notice"
"""Why a session ended whose relay did not see it end."""

_Row = tuple[int, bytes, bytes, bytes]
"""Number, body, link before and signature of a record."""

_OPEN: Final = "INSERT OR REPLACE INTO open VALUES (?, CAST(? AS TEXT))"
_INSERT: Final = "INSERT INTO {kind} (number, body, previous, signature) VALUES (?, CAST(? AS TEXT), ?, ?)"
_LAST: Final = "SELECT number, body, previous, signature FROM {kind} ORDER BY number DESC LIMIT 1"
_PREVIOUS: Final = "SELECT previous FROM {kind} WHERE number = ?"
# The plus keeps SQLite from an index that is of no use here.
_FIRST_SINCE: Final = "SELECT number FROM {kind} WHERE +at >= ? ORDER BY number LIMIT 1"
_FIRST: Final = "SELECT min(number) FROM {kind}"
_NEWEST: Final = "SELECT max(+at) FROM {kind} WHERE number <= ?"
_DELETE: Final = "DELETE FROM {kind} WHERE number <= ?"


class LedgerFile:
    """The ledger in a state folder, made when something is written first.

    Every method may raise StateError, which says what to do; then nothing was written. Must be closed; may be
    used from any thread, by one at a time.
    """

    def __init__(self, folder: Path, *, synchronous: Synchronous = "full", busy_s: float = BUSY_S) -> None:
        self._folder = folder
        self._path = folder / LEDGER_FILE
        self._synchronous: Synchronous = synchronous
        self._busy_s = busy_s
        self._database: sqlite3.Connection | None = None
        self._key: SigningKey | None = None
        self._head: Head | None = None
        self._version = -1

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.close()
            self._database = None
            self._version = -1

    def open(self) -> None:
        """Opens it, and looks whether it can be added to."""
        with self._transaction() as database:
            self._current(database)

    def append(self, records: Iterable[Record]) -> None:
        """Writes records, all or none, and gives each its number."""
        with self._transaction() as database:
            self._append(database, records)

    def end_open(self, at: int | None = None) -> int:
        """Records the end of sessions that were left open, and gives their number.

        No relay that may have them open may be running.
        """
        with self._transaction() as database:
            self._current(database)
            bodies = database.execute("SELECT body FROM open ORDER BY id").fetchall()
            openings = [msgspec.json.decode(body, type=Opening) for (body,) in bodies]
            at = now_ms() if at is None else at
            self._append(database, [_without_end(opening, at) for opening in openings])
            database.execute("DELETE FROM open")
        return len(openings)

    def remove(self, kind: Kind, made_before: int, days: int) -> int:
        """Deletes the oldest records of a kind, up to the first that is not older, and gives their number.

        At most :data:`REMOVED_AT_ONCE`; a record of the removal takes their place. ``made_before`` is a time
        of records, ``days`` what is said of why.
        """
        with self._transaction() as database:
            head = self._current(database)
            row = database.execute(_FIRST_SINCE.format(kind=kind), (made_before,)).fetchone()
            end = head.tip(kind).number + 1 if row is None else int(row[0])
            first = database.execute(_FIRST.format(kind=kind)).fetchone()[0]
            if first is None or first >= end:
                return 0
            last = min(end, first + REMOVED_AT_ONCE) - 1
            (before,) = database.execute(_PREVIOUS.format(kind=kind), (first,)).fetchone()
            (newest,) = database.execute(_NEWEST.format(kind=kind), (last,)).fetchone()
            after = database.execute(_PREVIOUS.format(kind=kind), (last + 1,)).fetchone()
            link = head.tip(kind).link if after is None else after[0]
            database.execute(_DELETE.format(kind=kind), (last,))
            removal = Removal(
                of=kind,
                first=first,
                last=last,
                before=before.hex(),
                link=link.hex(),
                newest=newest,
                days=days,
            )
            self._append(database, [removal])
        return int(last - first + 1)

    def forget_deleted(self) -> None:
        """Takes what was deleted out of the file of recent changes, too."""
        with self._errors():
            self._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def limit_pages(self, pages: int) -> None:
        """Lets the file grow to no more than this many pages."""
        with self._errors():
            self._connected().execute(f"PRAGMA max_page_count = {pages:d}").fetchone()

    def _append(self, database: sqlite3.Connection, records: Iterable[Record]) -> None:
        head, key = self._current(database), self._signer()
        tips = {kind: head.tip(kind) for kind in KINDS}
        rows: dict[Kind, list[_Row]] = {}
        opened: dict[str, bytes] = {}
        ended: list[tuple[str]] = []
        for record in records:
            kind = record.kind()
            number, before = tips[kind]
            record.number = number + 1
            body = encode(record)
            rows.setdefault(kind, []).append((record.number, body, before, b""))
            tips[kind] = Tip(record.number, link_of(digest_of(before, body), b""))
            if kind == "opening":
                opened[record.id] = body
            elif kind == "session" and opened.pop(record.id, None) is None:
                ended.append((record.id,))
        database.executemany(_OPEN, opened.items())
        database.executemany("DELETE FROM open WHERE id = ?", ended)
        for kind, added in rows.items():
            number, body, before_last, _ = added[-1]
            digest = digest_of(before_last, body)
            signature = key.sign(record_message(digest))
            added[-1] = (number, body, before_last, signature)
            tips[kind] = Tip(number, link_of(digest, signature))
            database.executemany(_INSERT.format(kind=kind), added)
        if rows:
            self._sign(database, Head.make(head.ledger, head.key, now_ms(), tips))

    def _sign(self, database: sqlite3.Connection, head: Head) -> None:
        statement = head.encode()
        signature = self._signer().sign(head_message(statement))
        database.execute("INSERT OR REPLACE INTO head VALUES (1, CAST(? AS TEXT), ?)", (statement, signature))
        self._head = head

    def _current(self, database: sqlite3.Connection) -> Head:
        """The head of now, made where there is none; inside a transaction."""
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if self._head is not None and version == self._version:
            return self._head
        row = database.execute("SELECT statement, signature FROM head").fetchone()
        if row is None:
            if self._head is not None or any(_last(database, kind) for kind in KINDS):
                raise self._tampered("its signed head is missing")
            self._key = SigningKey.make(self._folder)
            ledger = secrets.token_hex(16)
            tips = {kind: Tip(0, genesis(ledger, kind)) for kind in KINDS}
            self._sign(database, Head.make(ledger, self._key.public.fingerprint, now_ms(), tips))
        else:
            self._head = self._checked(database, *row)
        self._version = version
        assert self._head is not None
        return self._head

    def _checked(self, database: sqlite3.Connection, statement: str, signature: bytes) -> Head:
        """A head that others have left, where it can be built upon."""
        public = self._signer().public
        if not public.verifies(signature, head_message(statement.encode())):
            raise self._tampered("its head is not signed by the key beside it")
        head = msgspec.json.decode(statement, type=Head)
        for kind in KINDS:
            tip, row = head.tip(kind), _last(database, kind)
            if row is not None:
                number, body, previous, mark = row
                link = link_of(digest_of(previous, body.encode()), mark)
                if (number, link) != tip:
                    raise self._tampered(f"its last {kind} records are not those of its signed head")
            if self._head is not None and tip.number < self._head.tip(kind).number:
                raise self._tampered("it is older than what was written to it")
        return head

    def _signer(self) -> SigningKey:
        if self._key is None:
            self._key = SigningKey.load(self._folder)
        return self._key

    def _tampered(self, what: str) -> StateError:
        return StateError(
            Message(
                "{path} was changed by something else: {what}. Run relaycore audit verify, keep the "
                "file for whoever has to find out, and move it away to begin a new ledger.",
                path=self._path,
                what=what,
            )
        )

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = connect(self._path, synchronous=self._synchronous, busy_s=self._busy_s)
        return self._database

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            database, head = self._connected(), self._head
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                self._head, self._version = head, -1
                # SQLite ends the transaction itself where the disk is full.
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise trouble(self._path, error) from None


def has_ledger(folder: Path) -> bool:
    """Whether there is a ledger in a state folder."""
    return (folder / LEDGER_FILE).exists()


def _last(database: sqlite3.Connection, kind: Kind) -> tuple[int, str, bytes, bytes] | None:
    found: tuple[int, str, bytes, bytes] | None = database.execute(_LAST.format(kind=kind)).fetchone()
    return found


def _without_end(opening: Opening, at: int) -> Session:
    fields = {name: getattr(opening, name) for name in Opening.__struct_fields__ if name != "number"}
    return Session(
        **{**fields, "at": at}, to=None, bytes=None, discarded=None, first_picture_ms=None, reason=_NO_END
    )
