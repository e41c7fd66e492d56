"""Reads a ledger from its beginning, and tells what would have been told of it."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from relaycore.alerts.model import Alert
from relaycore.alerts.watch import Watch
from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.ledger.records import Kind, Record, read
from relaycore.ledger.schema import connect_to_read, trouble
from relaycore.settings.alerts import AlertSettings

__all__ = ["records_of", "replay"]

_KINDS: Final[tuple[Kind, ...]] = ("opening", "refusal", "session")
"""What rules take, in the order in which those of the same moment are read."""


def replay(records: Iterator[Record], settings: AlertSettings) -> Iterator[Alert]:
    """The alerts that these records would have raised, in their order."""
    watch = Watch(settings)
    last = 0
    for record in records:
        last = record.at
        yield from watch.take(record)
    # What was to be looked at later: as if the relay had run on for a while.
    yield from watch.advance(last + settings.networks.seconds * 1000)


def records_of(file: Path, *, most: int | None = None, since: int = 0) -> Iterator[Record]:
    """The records of a ledger that rules take, in the order in which they were made.

    ``most`` is how many of each kind are read, the newest, and ``since`` the time from which on. StateError
    where the file is missing or cannot be read.
    """
    database = connect_to_read(file)
    try:
        # All are of one moment.
        database.execute("BEGIN")
        kinds = [_of_kind(database, kind, most, since) for kind in _KINDS]
        for _, record in heapq.merge(*kinds, key=lambda item: item[0]):
            yield record
    except sqlite3.Error as error:
        raise trouble(file, error) from None
    finally:
        database.close()


def _of_kind(
    database: sqlite3.Connection, kind: Kind, most: int | None, since: int
) -> Iterator[tuple[int, Record]]:
    """Times and records of a kind. A time is never earlier than the one before."""
    (newest,) = database.execute(f"SELECT ifnull(max(number), 0) FROM {kind}").fetchone()  # noqa: S608
    first = 0 if most is None else newest - most
    latest = 0
    rows = database.execute(f"SELECT number, body FROM {kind} WHERE number > ? ORDER BY number", (first,))  # noqa: S608
    for number, body in rows:
        try:
            record = read(body)
        except ValueError:
            raise StateError(
                Message(
                    "The {kind} record {number} of the ledger cannot be read: run relaycore audit verify.",
                    kind=kind,
                    number=number,
                )
            ) from None
        if record.at >= since:
            latest = max(latest, record.at)
            yield latest, record
