"""The counts of journeys in the state folder: numbers by day, nothing of a person."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from relaycore.errors import StateError
from relaycore.journeys.counts import Count
from relaycore.language import Message

__all__ = ["FILE", "Store"]

FILE: Final = "journeys.sqlite"
"""Name of the file in the state folder."""

_VERSION: Final = 1

_COLUMNS: Final = ("day", "path", "client", "protocol", "transport", "stage", "kind", "detail")

_TABLE: Final = (
    f"CREATE TABLE counts ({', '.join(f'{name} TEXT NOT NULL' for name in _COLUMNS)}, "
    f"count INTEGER NOT NULL, PRIMARY KEY ({', '.join(_COLUMNS)})) STRICT, WITHOUT ROWID"
)

_ADD: Final = (
    "INSERT INTO counts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET count = count + excluded.count"
)


MOST_ROWS: Final = 2_000_000
"""Sums in the file, which is then about 200 MB: beyond them the oldest days go before their time."""


class Store:
    """The file, which is opened when it is needed. Used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._database: sqlite3.Connection | None = None

    def add(self, counts: Mapping[Count, int]) -> None:
        """Adds all of these counts, or none. StateError where they cannot be written."""
        rows = [(*count.group, count.stage, count.kind, count.detail, n) for count, n in counts.items()]
        self._write(lambda database: database.executemany(_ADD, rows))

    def rows_of(self, day: str) -> int:
        """How many sums there are of a day. StateError as in :meth:`read`."""
        rows = self.read("SELECT count(*) FROM counts WHERE day = ?", (day,))
        return int(rows[0][0]) if rows else 0

    def forget(self, before: str, most: int = MOST_ROWS) -> None:
        """Deletes the sums of days before this one, and more of the oldest days while there are too many.

        The newest day stays, which has a bound of its own. StateError as in :meth:`add`.
        """
        days = self.read("SELECT day, count(*) FROM counts GROUP BY day ORDER BY day", ())
        rows = sum(count for _, count in days)
        old = []
        for day, count in days:
            if day >= before and (rows <= most or day == days[-1][0]):
                break
            old.append((day,))
            rows -= count
        if old:
            self._write(lambda database: database.executemany("DELETE FROM counts WHERE day = ?", old))

    def read(self, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Answers a query. StateError where it cannot be read; nothing where nothing was ever counted."""
        if not self.path.exists():
            return []
        try:
            return self._open().execute(sql, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._trouble(error) from None

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _write(self, change: Any) -> None:
        try:
            database = self._open()
            with database:
                database.execute("BEGIN IMMEDIATE")
                change(database)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._trouble(error) from None

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
            with database:
                database.execute("BEGIN IMMEDIATE")
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version > _VERSION:
                    raise sqlite3.DatabaseError("it was made by a newer version of relaycore")
                if version == 0:
                    database.execute(_TABLE)
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
