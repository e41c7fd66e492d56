"""Records made up, and a ledger of them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relaycore.ledger.keys import PUBLIC_KEY_FILE, PublicKey
from relaycore.ledger.records import Act, Kind, Opening, Record, Refusal, Session, read
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from relaycore.ledger.verify import SignedHead, Verification, verify

__all__ = ["DAY_MS", "START_MS", "act", "fill", "look", "opening", "refusal", "rewrite", "session", "written"]

START_MS = 1_790_000_000_000
DAY_MS = 86_400_000


def opening(subject: str | None = "anna", path: str = "cam", at: int = START_MS) -> Opening:
    return Opening(
        at=at,
        subject=subject,
        role=None if subject is None else "viewer",
        purpose=None,
        action="read",
        path=path,
        protocol="rtsp",
        transport="tcp",
        client="Lavf60.16.100",
        network="192.0.2.0/24",
        begun=at,
    )


def session(of: Opening, bytes_: int = 1000, lasted_ms: int = 60_000) -> Session:
    fields = {name: getattr(of, name) for name in Opening.__struct_fields__ if name not in ("number", "at")}
    end = of.begun + lasted_ms
    return Session(
        **fields,
        at=end,
        to=end,
        bytes=bytes_,
        discarded=0,
        first_picture_ms=40,
        reason="the client ended it",
    )


def act(subject: str | None = "bo", target: str = "cam", at: int = START_MS) -> Act:
    return Act(at=at, subject=subject, act="setPath", target=target, means="api")


def refusal(subject: str | None = None, path: str = "cam", at: int = START_MS) -> Refusal:
    return Refusal(
        at=at,
        subject=subject,
        action="read",
        path=path,
        protocol="rtsp",
        client=None,
        network="198.51.100.0/24",
        status=401,
        reason="wrong password or user",
    )


def sessions(count: int, chance: random.Random) -> Iterator[list[Record]]:
    """Records of this many sessions with some others between them, in batches as they would be written."""
    at, left = START_MS, count
    while left:
        records: list[Record] = []
        for _ in range(min(left, chance.choice((1, 1, 2, 5, 30)))):
            begun = opening(chance.choice(("anna", "bo", None)), chance.choice(("cam", "door")), at)
            records += [begun, session(begun, chance.randrange(10**9))]
            at += chance.randrange(1000)
            left -= 1
        if chance.random() < 0.2:
            records.append(act(at=at))
        if chance.random() < 0.2:
            records.append(refusal(at=at))
        yield records


def fill(folder: Path, count: int, seed: int = 1) -> None:
    """Make a ledger of this many sessions."""
    file = LedgerFile(folder, synchronous="normal")
    for records in sessions(count, random.Random(seed)):
        file.append(records)
    file.close()


def look(folder: Path, kept: SignedHead | None = None) -> Verification:
    """Verify a ledger by the public key beside it."""
    return verify(folder, PublicKey.load(folder / PUBLIC_KEY_FILE), kept)


def written(folder: Path, kind: Kind) -> list[Any]:
    """The records of a kind in a ledger that is as it was written."""
    assert look(folder).findings == ()
    with rewrite(folder) as database:
        rows = database.execute(f"SELECT body FROM {kind} ORDER BY number").fetchall()
    return [read(body) for (body,) in rows]


@contextmanager
def rewrite(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file, for somebody who wants to change it and knows SQL but not the key."""
    database = sqlite3.connect(folder / LEDGER_FILE, isolation_level=None)
    database.execute("PRAGMA foreign_keys = OFF")
    try:
        yield database
    finally:
        database.close()
