"""Finds what was edited, removed or inserted, with nothing but the file and the public key.

First all records are gone through forwards, which takes no memory: when each refers to the one before and the
last is the one in the signed head, all is well. Otherwise the records that are genuine are found backwards
from the head: a record is genuine when a genuine one refers to it by its link, which nobody can make up, or
when it has a good signature. What should be there and is not was removed, or edited where something else has
its place; what is left over was inserted.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from relaycore.ledger.chain import (
    LINK_BYTES,
    Head,
    Tip,
    digest_of,
    genesis,
    head_message,
    link_of,
    record_message,
)
from relaycore.ledger.keys import PublicKey
from relaycore.ledger.records import KINDS, Kind, Removal, read
from relaycore.ledger.schema import LEDGER_FILE, connect_to_read, declarations, trouble

__all__ = ["Finding", "SignedHead", "Verification", "read_head", "verify"]

_OF_SEVERAL: Final = {"was": "were", "is": "are", "does": "do", "stands": "stand"}
"""Verbs of findings, for several records."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written.

    ``first`` and ``last`` are the numbers of the records of that kind that it is about; ``kind`` is ``None``
    where it is about the file.
    """

    kind: Kind | None
    first: int
    last: int
    what: str

    def __str__(self) -> str:
        if self.kind is None:
            return f"{self.what[:1].upper()}{self.what[1:]}."
        if self.first == self.last:
            return f"{self.kind.capitalize()} record {self.first} {self.what}."
        verb, _, rest = self.what.partition(" ")
        records = f"{self.kind.capitalize()} records {self.first} to {self.last}"
        return f"{records} {_OF_SEVERAL.get(verb, verb)} {rest}."


class SignedHead(msgspec.Struct, frozen=True, kw_only=True):
    """A head as it is kept elsewhere: what was signed, and its signature in hexadecimal digits."""

    statement: str
    signature: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and found: ``records`` are there, ``removed`` are deleted on record, by kind."""

    head: Head | None
    signed: SignedHead | None
    records: Mapping[Kind, int]
    removed: Mapping[Kind, int]
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether all is as it was written."""
        return not self.findings


def verify(folder: Path, key: PublicKey, kept: SignedHead | None = None) -> Verification:
    """Looks at the whole ledger in a state folder.

    ``kept`` is a head of earlier: what it names has to be there still, or be removed on record. StateError
    where there is no ledger, or where it cannot be read at all.
    """
    path = folder / LEDGER_FILE
    try:
        database = connect_to_read(path)
        try:
            database.execute("BEGIN")
            return _Look(database, key, kept).all()
        finally:
            database.close()
    except sqlite3.Error as error:
        raise trouble(path, error) from None


def read_head(folder: Path) -> SignedHead:
    """The signed head of now, to be kept elsewhere. StateError where there is none."""
    path = folder / LEDGER_FILE
    try:
        database = connect_to_read(path)
        try:
            row = database.execute("SELECT statement, signature FROM head").fetchone()
            if row is None:
                raise sqlite3.DatabaseError("its signed head is missing")
            statement, signature = map(_as_bytes, row)
            return SignedHead(statement=statement.decode("utf-8", "replace"), signature=signature.hex())
        finally:
            database.close()
    except sqlite3.Error as error:
        raise trouble(path, error) from None


_ROWS_OF: Final = "SELECT number, body, previous, signature FROM {kind} ORDER BY number"

_HEX_LINK: Final = re.compile(rf"[0-9a-f]{{{LINK_BYTES * 2}}}")


class _Row(NamedTuple):
    number: int
    body: bytes
    previous: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        return digest_of(self.previous, self.body)

    @property
    def link(self) -> bytes:
        return link_of(self.digest, self.signature)


class _Chain(NamedTuple):
    """Where a chain has to begin and to end; ``end`` is ``None`` where no head tells it."""

    kind: Kind
    start: Tip
    end: Tip | None


@dataclass
class _Look:
    """One look at a ledger."""

    database: sqlite3.Connection
    key: PublicKey
    kept: SignedHead | None
    findings: list[Finding] = field(default_factory=list)

    def all(self) -> Verification:
        self._look_at_file()
        signed, head = self._head()
        kept = self._kept_head(head)
        ledger = "" if head is None else head.ledger
        starts = {kind: Tip(0, genesis(ledger, kind)) for kind in KINDS}
        records: dict[Kind, int] = {}
        # Removals first: they tell where the other chains begin.
        for kind in sorted(KINDS, key=lambda kind: kind != "removal"):
            chain = _Chain(kind, starts[kind], None if head is None else head.tip(kind))
            records[kind] = self._look_at(chain, None if kept is None else kept.tip(kind))
            if kind == "removal":
                self._follow_removals(starts)
        removed = {kind: starts[kind].number for kind in KINDS}
        return Verification(head, signed, records, removed, tuple(self.findings))

    def _add(self, kind: Kind | None, first: int, last: int, what: str) -> None:
        """Adds a finding, to the one before where it is about the records next to those."""
        before = self.findings[-1] if self.findings else None
        if before is not None and kind is not None and (before.kind, before.what) == (kind, what):
            if first == before.last + 1:
                self.findings[-1] = Finding(kind, before.first, last, what)
                return
            if last == before.first - 1:
                self.findings[-1] = Finding(kind, first, before.last, what)
                return
        self.findings.append(Finding(kind, first, last, what))

    def _look_at_file(self) -> None:
        declared = self.database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if sorted(sql.decode("utf-8", "replace") for (sql,) in declared) != sorted(declarations()):
            self._add(None, 0, 0, "the tables or indexes of the file are not those that relaycore makes")
        try:
            ((told,),) = self.database.execute("PRAGMA integrity_check(1)").fetchall()
        except sqlite3.Error as error:
            told = str(error).encode()
        if told != b"ok":
            self._add(None, 0, 0, f"the file is damaged: {told.decode('utf-8', 'replace')}")

    def _head(self) -> tuple[SignedHead | None, Head | None]:
        row = self.database.execute("SELECT statement, signature FROM head").fetchone()
        if row is None:
            self._add(None, 0, 0, "the signed head is missing: records may be missing at the end")
            return None, None
        statement, signature = map(_as_bytes, row)
        signed = SignedHead(statement=statement.decode("utf-8", "replace"), signature=signature.hex())
        head = self._opened(signed)
        if head is None:
            self._add(None, 0, 0, "the head is not signed by this key: records may be missing at the end")
        return signed, head

    def _opened(self, signed: SignedHead) -> Head | None:
        """The statement of a head that this key has signed."""
        try:
            signature = bytes.fromhex(signed.signature)
            if not self.key.verifies(signature, head_message(signed.statement.encode())):
                return None
            head = msgspec.json.decode(signed.statement, type=Head)
            return head if all(head.tip(kind) for kind in KINDS) else None
        except (ValueError, KeyError):
            return None

    def _kept_head(self, head: Head | None) -> Head | None:
        if self.kept is None:
            return None
        kept = self._opened(self.kept)
        if kept is None:
            self._add(None, 0, 0, "the head that was kept is not signed by this key")
        elif head is not None and kept.ledger != head.ledger:
            self._add(None, 0, 0, "the head that was kept is one of another ledger: this one was begun anew")
            return None
        return kept

    def _rows(self, kind: Kind) -> Iterator[_Row]:
        for number, *fields in self.database.execute(_ROWS_OF.format(kind=kind)):
            yield _Row(number, *map(_as_bytes, fields))

    def _look_at(self, chain: _Chain, kept: Tip | None) -> int:
        """Looks at the records of one kind, and counts them."""
        count, at, holds = 0, chain.start, True
        same = kept is None or kept.number <= chain.start.number
        for row in self._rows(chain.kind):
            count += 1
            if holds and row.number == at.number + 1 and row.previous == at.link and _says(row, chain.kind):
                at = Tip(row.number, row.link)
                same = same or at == kept
            else:
                holds = False
        if not holds or at != chain.end:
            rows = {row.number: row for row in self._rows(chain.kind)}
            for first, what in sorted(_Backwards(self.key, chain, rows).look()):
                self._add(chain.kind, first, first, what)
        if holds and kept is not None and not same:
            what = "is not there as in the head that was kept: what follows was written anew, or is missing"
            self._add(chain.kind, kept.number, kept.number, what)
        return count

    def _follow_removals(self, starts: dict[Kind, Tip]) -> None:
        """Finds where each chain begins, behind all that was deleted on record."""
        for row in self._rows("removal"):
            try:
                removal = read(row.body)
            except ValueError:
                continue  # found already
            kind = next((kind for kind in KINDS if isinstance(removal, Removal) and kind == removal.of), None)
            if kind is None or not isinstance(removal, Removal) or not _HEX_LINK.fullmatch(removal.link):
                continue
            at = starts[kind]
            if (removal.first, removal.before) != (at.number + 1, at.link.hex()):
                what = f"does not go on where the removal of {kind} records before it ended"
                self._add("removal", row.number, row.number, what)
            starts[kind] = Tip(removal.last, bytes.fromhex(removal.link))


class _Backwards:
    """Sorts out a chain that does not hold, from its end to its beginning."""

    def __init__(self, key: PublicKey, chain: _Chain, rows: Mapping[int, _Row]) -> None:
        self._key = key
        self._kind, self._start, self._end = chain
        self._rows = rows
        self._found: list[tuple[int, str]] = []
        # Rows that are genuine, or stand where another one should.
        self._seen: set[int] = set()

    def look(self) -> list[tuple[int, str]]:
        """What is wrong with which record."""
        by_link = {row.link: row.number for row in self._rows.values()}
        top = max(self._rows, default=self._start.number) if self._end is None else self._end.number
        # The link that the next record has: for certain, or as a record says that is not certain itself.
        needed = None if self._end is None else self._end.link
        hoped: bytes | None = None
        for number in range(top, self._start.number, -1):
            at = None if needed is None else by_link.get(needed)
            if at is not None:
                needed = self._genuine(number, self._rows[at])
                continue
            row = self._rows.get(number)
            if row is None or number in self._seen:
                self._found.append((number, "was removed"))
                needed = hoped = None
                continue
            self._seen.add(number)
            if needed is not None:
                needed, hoped = self._edited(row, needed), None
            elif row.signature:
                needed, hoped = self._signed(row), None
            else:
                needed, hoped = None, self._unsure(row, hoped)
        if needed not in (None, self._start.link):
            self._found.append((self._start.number + 1, "does not go on from what was before it"))
        for number in self._rows:
            if number not in self._seen:
                behind = number > top
                what = "was added behind the signed head" if behind else "was inserted"
                self._found.append((number, what))
        return self._found

    def _genuine(self, number: int, row: _Row) -> bytes:
        self._seen.add(row.number)
        if row.number != number:
            self._found.append((number, "stands in another place than it had"))
        return row.previous

    def _edited(self, row: _Row, needed: bytes) -> bytes | None:
        """The link before a record that is not the one that was written; ``None`` where that is lost."""
        before = self._rows.get(row.number - 1)
        if before is not None:
            link = before.link
            if link_of(digest_of(link, row.body), row.signature) == needed:
                self._found.append((row.number, "was edited: it refers to another record before it"))
                return link
        self._found.append((row.number, "was edited"))
        return None

    def _signed(self, row: _Row) -> bytes | None:
        """The link before a record that nothing vouches for but its own signature."""
        if self._key.verifies(row.signature, record_message(row.digest)):
            return row.previous
        self._found.append((row.number, "was edited"))
        return None

    def _unsure(self, row: _Row, hoped: bytes | None) -> bytes:
        if hoped is not None and row.link != hoped:
            self._found.append((row.number, "was edited"))
        else:
            what = "cannot be vouched for: what did so behind it was edited or removed"
            self._found.append((row.number, what))
        return row.previous


class _Said(msgspec.Struct):
    """What a body says of itself."""

    kind: str
    number: int


_SAID: Final = msgspec.json.Decoder(_Said)


def _says(row: _Row, kind: Kind) -> bool:
    """Whether the body of a record has the kind and the number of its place."""
    try:
        said = _SAID.decode(row.body)
    except ValueError:
        return False
    return (said.kind, said.number) == (kind, row.number)


def _as_bytes(value: object) -> bytes:
    """A value of a table that should hold bytes, and may hold anything where somebody had a hand in it."""
    return value if isinstance(value, bytes) else repr(value).encode()
