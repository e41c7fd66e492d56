"""Finds records: of whom, at which path, when.

A session belongs to every moment from its beginning to its end; the others to that at which they were made.
The newest come first. Indexes hold all that is searched by, so that none of a million records is read that is
not an answer.
"""

from __future__ import annotations

import heapq
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from relaycore.errors import StateError
from relaycore.language import Message
from relaycore.ledger.records import KINDS, Act, Kind, Opening, Record, read
from relaycore.ledger.schema import LEDGER_FILE, connect_to_read, trouble

__all__ = ["Page", "Question", "all_of", "ask"]

_ACTS_ON_USERS: Final = ("user ", "audit ", "readLedger", "readAlerts")
"""What acts begin with whose target is a user: changes of the account, and looks at what is known of them."""

_FOREVER: Final = 1 << 62
"""Later than any time of a record."""

_PAGE: Final = 2_000
"""Records that are read together where all are wanted."""

_ORDER: Final = {kind: number for number, kind in enumerate(KINDS)}
"""The place of a kind among records of the same moment."""

_MARK: Final = re.compile(r"(\d{1,18})-(\d{1,18})-([a-z]+)-(\d{1,18})")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; what is ``None`` does not matter.

    ``subject`` is a user: the records about them, acts on their account, and who looked at their records.
    ``path`` is a path, or what an act was done to. ``since`` and ``until`` are times of records, the second
    one not included. ``after`` is what :class:`Page` gave as ``next``.
    """

    kinds: tuple[Kind, ...] = KINDS
    subject: str | None = None
    path: str | None = None
    since: int | None = None
    until: int | None = None
    after: str | None = None
    limit: int = 100

    def check(self) -> None:
        """ValueError where ``after`` is no place to go on from."""
        if self.after is not None:
            _Place.parse(self.after)


class Page(NamedTuple):
    """Records, and where to go on; ``None`` where there are no more."""

    records: list[Record]
    next: str | None


class _Place(NamedTuple):
    """Where a record stands in the order of answers."""

    at: int
    begun: int
    kind: Kind
    number: int

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Sorts the newest first."""
        return (-self.at, -self.begun, _ORDER[self.kind], -self.number)

    def __str__(self) -> str:
        return f"{self.at}-{self.begun}-{self.kind}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> _Place:
        match = _MARK.fullmatch(text)
        if match is None or match[3] not in KINDS:
            raise ValueError(f"{text!r} is no place to go on from: take one that an answer named.")
        return cls(int(match[1]), int(match[2]), match[3], int(match[4]))


def ask(folder: Path, question: Question) -> Page:
    """Looks in the ledger of a state folder.

    StateError where there is none, or where it cannot be read; ValueError as of :meth:`Question.check`.
    """
    with _reading(folder) as database:
        return _ask(database, question)


def all_of(folder: Path, question: Question) -> Iterator[Record]:
    """All records that answer a question, whatever its ``limit``. StateError as in :func:`ask`."""
    with _reading(folder) as database:
        # All pages are of one moment.
        database.execute("BEGIN")
        question = msgspec.structs.replace(question, limit=_PAGE)
        while True:
            page = _ask(database, question)
            yield from page.records
            if page.next is None:
                return
            question = msgspec.structs.replace(question, after=page.next)


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / LEDGER_FILE
    try:
        database = connect_to_read(path)
        try:
            yield database
        finally:
            database.close()
    except sqlite3.Error as error:
        raise trouble(path, error) from None


def _ask(database: sqlite3.Connection, question: Question) -> Page:
    after = None if question.after is None else _Place.parse(question.after)
    found = [_of_kind(database, kind, question, after) for kind in dict.fromkeys(question.kinds)]
    merged = heapq.merge(*found, key=lambda item: item[0].key)
    taken = [item for item, _ in zip(merged, range(question.limit + 1), strict=False)]
    more = len(taken) > question.limit
    taken = taken[: question.limit]
    return Page([record for _, record in taken], str(taken[-1][0]) if more else None)


def _of_kind(
    database: sqlite3.Connection, kind: Kind, question: Question, after: _Place | None
) -> list[tuple[_Place, Record]]:
    """The records of one kind, one more than wanted, in their order."""
    if kind == "opening":
        return _open(database, question, after)
    if kind == "removal" and (question.subject is not None or question.path is not None):
        return []
    places = _rows(database, kind, question, after)
    if kind == "act" and question.subject is not None:
        of_account = msgspec.structs.replace(question, subject=None, path=question.subject)
        if question.path in (None, question.subject):
            known = {place.number for place, _ in places}
            others = _rows(database, kind, of_account, after)
            places += [item for item in others if item[0].number not in known and _is_of_account(item[1])]
            places.sort(key=lambda item: item[0].key)
    return places


def _is_of_account(record: Record) -> bool:
    return isinstance(record, Act) and record.act.startswith(_ACTS_ON_USERS)


def _rows(
    database: sqlite3.Connection, kind: Kind, question: Question, after: _Place | None
) -> list[tuple[_Place, Record]]:
    index = "at"
    conditions, values = ["at >= ?", "begun < ?"], [_or(question.since, -1), _or(question.until, _FOREVER)]
    parameters: list[int | str] = [*values]
    for name, value in (("path", question.path), ("subject", question.subject)):
        if value is not None:
            index = name
            conditions.append(f"{name} = ?")
            parameters.append(value)
    if after is not None:
        condition, more = _behind(kind, after)
        conditions.append(condition)
        parameters += more
    hint = "" if kind == "removal" else f"INDEXED BY {kind}_{index}"
    statement = _SELECT.format(kind=kind, hint=hint, conditions=" AND ".join(conditions))
    rows = database.execute(statement, (*parameters, question.limit + 1))
    return [
        (_Place(at, begun, kind, number), _record(kind, number, body)) for at, begun, number, body in rows
    ]


_SELECT: Final = (
    "SELECT at, begun, number, body FROM {kind} {hint} WHERE {conditions} "
    "ORDER BY at DESC, begun DESC, number DESC LIMIT ?"
)


def _behind(kind: Kind, after: _Place) -> tuple[str, Sequence[int]]:
    """What holds for records of a kind that come after a place."""
    if kind == after.kind:
        return "(at, begun, number) < (?, ?, ?)", (after.at, after.begun, after.number)
    comparison = "<=" if _ORDER[kind] > _ORDER[after.kind] else "<"
    return f"(at, begun) {comparison} (?, ?)", (after.at, after.begun)


def _open(
    database: sqlite3.Connection, question: Question, after: _Place | None
) -> list[tuple[_Place, Record]]:
    """The openings of sessions that have not ended."""
    found = []
    for (body,) in database.execute("SELECT body FROM open"):
        record = _record("opening", 0, body)
        if not isinstance(record, Opening):
            continue
        place = _Place(record.at, record.begun, "opening", record.number)
        if (
            question.subject in (None, record.subject)
            and question.path in (None, record.path)
            and (question.until is None or record.begun < question.until)
            and (after is None or place.key > after.key)
        ):
            found.append((place, record))
    found.sort(key=lambda item: item[0].key)
    return [(place, record) for place, record in found]


def _record(kind: Kind, number: int, body: bytes) -> Record:
    try:
        return read(body)
    except ValueError:
        raise StateError(
            Message(
                "The {kind} record {number} of the ledger cannot be read: run relaycore audit verify.",
                kind=kind,
                number=number,
            )
        ) from None


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
