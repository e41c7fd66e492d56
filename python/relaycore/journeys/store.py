"""The counts of journeys in the state folder: numbers by day, nothing of a person."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from relaycore.errors import StateError
from relaycore.journeys.counts import Counts, Name
from relaycore.language import Message

__all__ = ["ENTRY_BYTES", "FILE", "Store"]

FILE: Final = "journeys.sqlite"
"""Name of the file in the state folder."""

_VERSION: Final = 1

_TABLES: Final = (
    # What is counted: some thousands of names, however long.
    "CREATE TABLE names (code INTEGER PRIMARY KEY, stage TEXT NOT NULL, kind TEXT NOT NULL,"
    " detail TEXT NOT NULL, UNIQUE (stage, kind, detail)) STRICT",
    # What is counted together, and how often: many pairs of a code and a number, which are too many to be
    # rows, and apart from the groups, so that these are found without reading all of them.
    "CREATE TABLE groups (number INTEGER PRIMARY KEY, day TEXT NOT NULL, path TEXT NOT NULL,"
    " client TEXT NOT NULL, protocol TEXT NOT NULL, transport TEXT NOT NULL, attempts INTEGER NOT NULL,"
    " UNIQUE (day, path, client, protocol, transport)) STRICT",
    "CREATE TABLE counts (number INTEGER PRIMARY KEY REFERENCES groups ON DELETE CASCADE,"
    " body BLOB NOT NULL) STRICT",
)

_ENTRY: Final = struct.Struct("<HI")
"""A code and how often: there are some thousands of codes."""

_MOST: Final = 2**32 - 1
"""What is counted more often stays at this."""

ENTRY_BYTES: Final = _ENTRY.size

_COUNTED: Final = (
    "INSERT INTO groups (day, path, client, protocol, transport, attempts) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET attempts = attempts + excluded.attempts RETURNING number"
)

_SIZES: Final = "SELECT day, sum(length(body)) FROM groups JOIN counts USING (number)"

_ROWS: Final = 4096
"""Rows that are read at once."""

MOST_ENTRIES: Final = 20_000_000
"""Sums in the file, which is then about 150 MB: beyond them the oldest days go before their time."""


_ATTEMPT: Final = Name("connected", "passed", "")


class Store:
    """The file, which is opened when it is needed. Used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._database: sqlite3.Connection | None = None
        self._codes: dict[Name, int] = {}
        self._fresh: dict[Name, int] = {}

    def add(self, counts: Counts) -> None:
        """Adds all of these counts, or none. StateError where they cannot be written."""
        self._write(lambda database: self._add(database, counts))

    def entries_of(self, day: str) -> int:
        """How many sums there are of a day. StateError as in :meth:`read`."""
        days = self.read(f"{_SIZES} WHERE day = ? GROUP BY day", (day,))
        return sum(int(size) for _, size in days) // ENTRY_BYTES

    def forget(self, before: str, most: int = MOST_ENTRIES) -> None:
        """Deletes the sums of days before this one, and more of the oldest days while there are too many.

        The newest day stays, which has a bound of its own. StateError as in :meth:`add`.
        """
        days = self.read(f"{_SIZES} GROUP BY day ORDER BY day", ())
        entries = sum(size for _, size in days) // ENTRY_BYTES
        old = []
        for day, size in days:
            if day >= before and (entries <= most or day == days[-1][0]):
                break
            old.append((day,))
            entries -= size // ENTRY_BYTES
        if old:
            self._write(lambda database: database.executemany("DELETE FROM groups WHERE day = ?", old))

    def read(self, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Answers a query. StateError where it cannot be read; nothing where nothing was ever counted."""
        return [row for rows in self.read_parts(sql, values) for row in rows]

    def read_parts(self, sql: str, values: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
        """The same, some rows at a time."""
        if not self.path.exists():
            return
        try:
            cursor = self._open().execute(sql, values)
            while rows := cursor.fetchmany(_ROWS):
                yield rows
        except (sqlite3.Error, OSError) as error:
            raise self._trouble(error) from None

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.close()
            self._database = None
            self._codes.clear()

    def _write(self, change: Any) -> None:
        try:
            database = self._open()
            with database:
                database.execute("BEGIN IMMEDIATE")
                change(database)
            self._codes.update(self._fresh)
        except (sqlite3.Error, struct.error, OSError) as error:
            self.close()
            raise self._trouble(error) from None
        finally:
            self._fresh.clear()  # codes that were not written are no codes

    def _add(self, database: sqlite3.Connection, sums: Counts) -> None:
        for group, names in sums.items():
            if not names:
                continue
            ((number,),) = database.execute(_COUNTED, (*group, names.get(_ATTEMPT, 0))).fetchall()
            found = database.execute("SELECT body FROM counts WHERE number = ?", (number,)).fetchone()
            counts = dict(_ENTRY.iter_unpack(found[0])) if found else {}
            for name, count in names.items():
                code = self._code(database, name)
                counts[code] = counts.get(code, 0) + count
            body = b"".join(_ENTRY.pack(code, min(count, _MOST)) for code, count in counts.items())
            database.execute("REPLACE INTO counts VALUES (?, ?)", (number, body))

    def _code(self, database: sqlite3.Connection, name: Name) -> int:
        code = self._codes.get(name) or self._fresh.get(name)
        if code is None:
            database.execute("INSERT OR IGNORE INTO names (stage, kind, detail) VALUES (?, ?, ?)", name)
            query = "SELECT code FROM names WHERE stage = ? AND kind = ? AND detail = ?"
            (code,) = database.execute(query, name).fetchone()
            self._fresh[name] = code
        return code

    def _open(self) -> sqlite3.Connection:
        if self._database is not None:
            return self._database
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it the same permissions.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self.path, timeout=2.0, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA foreign_keys = ON")
            with database:
                database.execute("BEGIN IMMEDIATE")
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version > _VERSION:
                    raise sqlite3.DatabaseError("it was made by a newer version of relaycore")
                if version == 0:
                    for table in _TABLES:
                        database.execute(table)
                    database.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            database.close()
            raise
        self._database = database
        return database

    def _trouble(self, error: Exception) -> StateError:
        return StateError(
            Message(
                "{path} cannot be used: {error}. Check its permissions and the free space.",
                path=self.path,
                error=error,
            )
        )
