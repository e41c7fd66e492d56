"""The tables of the ledger, and connections to them.

Each kind of record has a table, in which the number of a record is its key. The columns to search by are
computed from the body, so that nobody can change one without the other. ``head`` holds the signed head, and
``open`` the openings of sessions that have not ended, so that what a relay that was killed has left open can
be told. ``user_version`` counts the forms of the tables.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final, Literal

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.ledger.records import KINDS, Kind

__all__ = ["LEDGER_FILE", "Synchronous", "connect", "connect_to_read", "declarations", "trouble"]

LEDGER_FILE: Final = "ledger.sqlite"
"""Name of the file in the state folder."""

Synchronous = Literal["full", "normal"]
"""Whether each transaction is on the disk before it counts, or may be lost with the power (never with the
process)."""

_VERSION: Final = 1

_TABLE: Final = """
CREATE TABLE {kind} (
    number INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    previous BLOB NOT NULL,
    signature BLOB NOT NULL,
    at INTEGER AS (json_extract(body, '$.at')) VIRTUAL,
    begun INTEGER AS (ifnull(json_extract(body, '$.from'), json_extract(body, '$.at'))) VIRTUAL,
    subject TEXT AS (json_extract(body, '$.subject')) VIRTUAL,
    path TEXT AS (ifnull(json_extract(body, '$.path'), json_extract(body, '$.target'))) VIRTUAL
) STRICT"""

_INDEXES: Final = (
    "CREATE INDEX {kind}_at ON {kind} (at, begun)",
    "CREATE INDEX {kind}_subject ON {kind} (subject, at, begun, path)",
    "CREATE INDEX {kind}_path ON {kind} (path, at, begun, subject)",
)

_SEARCHED: Final[tuple[Kind, ...]] = ("session", "refusal", "act")
"""The kinds that are searched; the others are few, or are in another table as well."""

_OTHERS: Final = (
    "CREATE TABLE head (place INTEGER PRIMARY KEY CHECK (place = 1), statement TEXT NOT NULL, "
    "signature BLOB NOT NULL) STRICT",
    "CREATE TABLE open (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
)


def declarations() -> list[str]:
    """The SQL that makes all tables and indexes, each as SQLite keeps it."""
    tables = [_TABLE.strip().format(kind=kind) for kind in KINDS]
    indexes = [index.format(kind=kind) for kind in _SEARCHED for index in _INDEXES]
    return [*tables, *indexes, *_OTHERS]


def connect(path: Path, *, synchronous: Synchronous, busy_s: float) -> sqlite3.Connection:
    """A connection that writes; file and tables are made where there are none.

    sqlite3.Error or OSError where that fails. The connection may be used from any thread, by one at a time.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives the files beside it the same permissions.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        # What is deleted is overwritten: it was deleted for a reason.
        database.execute("PRAGMA secure_delete = ON")
        database.execute("BEGIN IMMEDIATE")
        if _version(database) == 0:
            for declaration in declarations():
                database.execute(declaration)
            database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and sees text as bytes. StateError where there is no ledger."""
    if not path.exists():
        raise StateError(
            Message("There is no ledger at {path}: name the state folder of the relay.", path=path)
        )
    try:
        database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA query_only = ON")
        database.text_factory = bytes
        if _version(database) == 0:
            raise sqlite3.DatabaseError("it is empty")
    except sqlite3.Error as error:
        raise trouble(path, error) from None
    return database


def trouble(path: Path, error: Exception) -> StateError:
    """What SQLite or the system says of the file, for a person."""
    return StateError(
        Message(
            "{path} cannot be used: {error}. Check its permissions and the free space.",
            path=path,
            error=error,
        )
    )


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise sqlite3.DatabaseError("it was made by a newer version of relaycore")
    return version
