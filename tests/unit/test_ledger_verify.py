"""What somebody without the key changes in a ledger is found, and named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from relaycore.errors import StateError
from relaycore.ledger.chain import digest_of, link_of
from relaycore.ledger.keys import PUBLIC_KEY_FILE, PublicKey, SigningKey
from relaycore.ledger.records import KINDS, Kind
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from relaycore.ledger.verify import Verification, read_head
from tests.support.ledger import DAY_MS, START_MS, act, fill, look, opening, rewrite, session

SESSIONS = 4_900
"""As many as give 10,000 records, together with the others."""

FLIPS = 60


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    fill(folder, SESSIONS)
    verification = look(folder)
    assert verification.intact
    assert sum(verification.records.values()) > 10_000
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A ledger of 30 sessions, each record of which was written by itself."""
    folder = tmp_path / "small"
    file = LedgerFile(folder, synchronous="normal")
    for number in range(30):
        begun = opening(at=START_MS + number * 1000)
        file.append([begun])
        file.append([session(begun)])
    file.append([act()])
    file.close()
    return folder


def named(verification: Verification, kind: Kind, number: int) -> list[str]:
    """What is said of a record."""
    return [
        finding.what
        for finding in verification.findings
        if finding.kind == kind and finding.first <= number <= finding.last
    ]


def others(verification: Verification, kind: Kind, number: int) -> list[str]:
    """What is said of all else, but that there is nobody left to vouch for it."""
    return [
        str(finding)
        for finding in verification.findings
        if (finding.kind, finding.first, finding.last) != (kind, number, number)
        and not finding.what.startswith("cannot be vouched for")
    ]


def row(database: sqlite3.Connection, kind: Kind, number: int) -> tuple[bytes, bytes, bytes]:
    found = database.execute(
        f"SELECT CAST(body AS BLOB), previous, signature FROM {kind} WHERE number = ?", (number,)
    ).fetchone()
    return bytes(found[0]), found[1], found[2]


def put(
    database: sqlite3.Connection, kind: Kind, number: int, body: bytes, previous: bytes, mark: bytes
) -> None:
    database.execute(
        f"INSERT OR REPLACE INTO {kind} (number, body, previous, signature) "
        "VALUES (?, CAST(? AS TEXT), ?, ?)",
        (number, body, previous, mark),
    )


@pytest.fixture
def searchless(large: Path, tmp_path: Path) -> Path:
    """The large ledger without indexes and computed columns, so that bodies may be anything at all."""
    folder = tmp_path / "copy"
    shutil.copytree(large, folder)
    with rewrite(folder) as database:
        indexes = database.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        for (name,) in indexes.fetchall():
            database.execute(f"DROP INDEX {name}")
        database.execute("PRAGMA writable_schema = ON")
        for kind in KINDS:
            plain = (
                f"CREATE TABLE {kind} (number INTEGER PRIMARY KEY, body TEXT, previous BLOB, signature BLOB)"
            )
            database.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (plain, kind))
    return folder


def test_any_flipped_byte_of_a_record_is_found_and_the_record_named(searchless: Path) -> None:
    """Random bytes of random fields of random records, one at a time."""
    chance = random.Random(7)
    before = [str(finding) for finding in look(searchless).findings]
    assert before == ["The tables or indexes of the file are not those that relaycore makes."]
    for _ in range(FLIPS):
        kind = chance.choice([kind for kind in KINDS if kind != "removal"])
        with rewrite(searchless) as database:
            (last,) = database.execute(f"SELECT max(number) FROM {kind}").fetchone()
            number = chance.randrange(1, last + 1)
            fields = row(database, kind, number)
            which = chance.choice([at for at, field in enumerate(fields) if field])
            place = chance.randrange(len(fields[which]))
            flipped = bytearray(fields[which])
            flipped[place] ^= 1 << chance.randrange(8)
            changed = [*fields[:which], bytes(flipped), *fields[which + 1 :]]
            put(database, kind, number, *changed)
        verification = look(searchless)
        assert any("edited" in what for what in named(verification, kind, number)), (kind, number, which)
        assert others(verification, kind, number) == before, (kind, number, which)
        with rewrite(searchless) as database:
            put(database, kind, number, *fields)
    assert [str(finding) for finding in look(searchless).findings] == before


def test_flipped_bytes_of_the_file_are_found_or_mean_nothing(large: Path, tmp_path: Path) -> None:
    """Below SQL: whatever byte of the file is flipped, no record reads differently without being told."""
    chance = random.Random(11)
    contents = records_of(large)
    original = (large / LEDGER_FILE).read_bytes()
    shutil.copytree(large, tmp_path / "copy")
    found = 0
    for _ in range(FLIPS):
        flipped = bytearray(original)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        (tmp_path / "copy" / LEDGER_FILE).write_bytes(flipped)
        try:
            intact = look(tmp_path / "copy").intact
        except StateError:
            intact = False
        found += not intact
        assert not intact or records_of(tmp_path / "copy") == contents
    assert found > FLIPS / 2


def records_of(folder: Path) -> list[tuple[object, ...]]:
    with rewrite(folder) as database:
        return [
            found
            for kind in KINDS
            for found in database.execute(f"SELECT number, body FROM {kind} ORDER BY number")
        ]


@pytest.mark.parametrize("count", [1, 3])
def test_removed_records_are_found(small: Path, count: int) -> None:
    with rewrite(small) as database:
        database.execute("DELETE FROM session WHERE number BETWEEN 10 AND ?", (9 + count,))
    (finding,) = look(small).findings
    assert (finding.kind, finding.first, finding.last) == ("session", 10, 9 + count)
    assert finding.what == "was removed"
    assert str(finding) == (
        "Session record 10 was removed." if count == 1 else "Session records 10 to 12 were removed."
    )


def test_a_removed_record_is_found_where_the_others_close_ranks(small: Path) -> None:
    """Whoever removes a record may count the others anew, in their bodies or beside them."""
    with rewrite(small) as database:
        database.execute("DELETE FROM session WHERE number = 10")
        database.execute("UPDATE session SET number = number - 1 WHERE number > 10")
    verification = look(small)
    assert named(verification, "session", 10)[0] == "was removed"
    assert named(verification, "session", 20) == ["stands in another place than it had"]
    assert named(verification, "session", 9) == []


def test_records_missing_at_the_end_are_found(small: Path) -> None:
    with rewrite(small) as database:
        database.execute("DELETE FROM session WHERE number > 28")
    assert [str(finding) for finding in look(small).findings] == ["Session records 29 to 30 were removed."]


def test_an_older_head_shows_that_its_end_was_cut_off(small: Path) -> None:
    """Who has an old copy of the head can cut the ledger off there: a head that was kept elsewhere tells."""
    old = read_head(small)
    file = LedgerFile(small)
    file.append([act(target="evidence")])
    file.close()
    kept = read_head(small)
    with rewrite(small) as database:
        database.execute("DELETE FROM act WHERE number = 2")
        database.execute(
            "UPDATE head SET statement = ?, signature = ?", (old.statement, bytes.fromhex(old.signature))
        )
    assert look(small).intact
    (finding,) = look(small, kept).findings
    assert (finding.kind, finding.first) == ("act", 2)


def test_an_inserted_record_is_found(small: Path) -> None:
    with rewrite(small) as database:
        body, previous, mark = row(database, "session", 10)
        database.execute("UPDATE session SET number = -number WHERE number >= 10")
        database.execute("UPDATE session SET number = 1 - number WHERE number < 0")
        put(database, "session", 10, body.replace(b"anna", b"eve"), previous, mark)
    verification = look(small)
    assert named(verification, "session", 10)[-1] == "was inserted"
    assert named(verification, "session", 9) == []
    assert named(verification, "session", 25) == ["stands in another place than it had"]


def test_a_record_behind_the_end_is_found(small: Path) -> None:
    with rewrite(small) as database:
        body, previous, mark = row(database, "session", 30)
        link = link_of(digest_of(previous, body), mark)
        put(database, "session", 31, body.replace(b'"number":30', b'"number":31'), link, mark)
    assert [str(finding) for finding in look(small).findings] == [
        "Session record 31 was added behind the signed head."
    ]


def test_records_in_another_order_are_found(small: Path) -> None:
    with rewrite(small) as database:
        for old, new in ((10, -1), (20, 10), (-1, 20)):
            database.execute("UPDATE session SET number = ? WHERE number = ?", (new, old))
    verification = look(small)
    for number in (10, 20):
        assert named(verification, "session", number) == ["stands in another place than it had"]
    assert len(verification.findings) == 2


def test_records_that_were_written_anew_are_found(small: Path) -> None:
    """Who edits a record and makes all links anew has no signatures for them."""
    with rewrite(small) as database:
        before = b""
        for number in range(20, 31):
            body, previous, mark = row(database, "session", number)
            if number == 20:
                body = body.replace(b"anna", b"eve")
            else:
                previous = before
            put(database, "session", number, body, previous, mark)
            before = link_of(digest_of(previous, body), mark)
    (finding,) = look(small).findings
    assert (finding.kind, finding.first, finding.last) == ("session", 20, 30)
    assert "edited" in finding.what


def test_a_head_that_is_gone_or_of_somebody_else_is_told(small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    key = SigningKey.make(other).public
    with rewrite(small) as database:
        (statement,) = database.execute("SELECT statement FROM head").fetchone()
        database.execute("UPDATE head SET statement = replace(statement, '\"ledger\"', '\"Ledger\"')")
    assert "The head is not signed by this key" in str(look(small).findings[0])
    with rewrite(small) as database:
        database.execute("UPDATE head SET statement = ?", (statement,))
    assert look(small).intact
    with rewrite(small) as database:
        database.execute("DELETE FROM head")
    assert "The signed head is missing" in str(look(small).findings[0])
    shutil.copy(other / PUBLIC_KEY_FILE, small / PUBLIC_KEY_FILE)
    assert not look(small).intact
    assert key.fingerprint == PublicKey.load(small / PUBLIC_KEY_FILE).fingerprint


def test_columns_to_search_by_cannot_be_changed_alone(small: Path) -> None:
    """A table that answers searches with something else is told, too."""
    with rewrite(small) as database:
        with pytest.raises(sqlite3.Error):
            database.execute("UPDATE session SET subject = 'eve'")
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '$.subject', '$.client') WHERE name = 'session'"
        )
    assert any("tables or indexes" in str(finding) for finding in look(small).findings)


def test_what_was_removed_on_record_is_not_missing(small: Path) -> None:
    kept = read_head(small)
    file = LedgerFile(small)
    assert file.remove("session", START_MS + 60_000 + 12_000, 30) == 12
    assert file.remove("session", START_MS + 60_000 + 12_000, 30) == 0
    file.append([session(opening(at=START_MS + DAY_MS))])
    assert file.remove("session", START_MS + 60_000 + 15_000, 30) == 3
    file.close()
    verification = look(small, kept)
    assert verification.findings == ()
    assert (verification.records["session"], verification.removed["session"]) == (16, 15)
    with rewrite(small) as database:
        database.execute("DELETE FROM session WHERE number = 16")
    assert named(look(small), "session", 16) == ["was removed"]
    with rewrite(small) as database:
        database.execute("UPDATE removal SET body = replace(body, '\"last\":15', '\"last\":16')")
    assert any("edited" in what for what in named(look(small), "removal", 2))


def test_a_whole_kind_may_be_removed_on_record(small: Path) -> None:
    file = LedgerFile(small)
    assert file.remove("session", START_MS + DAY_MS, 30) == 30
    assert look(small).intact
    file.append([session(opening(at=START_MS + DAY_MS))])
    file.close()
    assert look(small).intact
    with rewrite(small) as database:
        database.execute("DELETE FROM session")
    assert named(look(small), "session", 31) == ["was removed"]


def test_what_has_been_tampered_with_is_not_built_upon(small: Path) -> None:
    """A writer that signs whatever it finds would make good what was done to it."""

    def refuses() -> str:
        file = LedgerFile(small)
        with pytest.raises(StateError) as raised:
            file.append([act()])
        file.close()
        return str(raised.value)

    with rewrite(small) as database:
        body, previous, mark = row(database, "act", 1)
        put(database, "act", 1, body.replace(b"cam", b"cat"), previous, mark)
    assert "its last act records are not those of its signed head" in refuses()
    with rewrite(small) as database:
        put(database, "act", 1, body, previous, mark)
        database.execute("UPDATE head SET signature = zeroblob(64)")
    assert "its head is not signed by the key beside it" in refuses()
    with rewrite(small) as database:
        database.execute("DELETE FROM head")
    assert "its signed head is missing" in refuses()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[LedgerFile, LedgerFile]]:
    """Two programs with one ledger."""
    files = LedgerFile(tmp_path), LedgerFile(tmp_path)
    yield files
    for file in files:
        file.close()


def test_several_programs_write_to_one_ledger(two: tuple[LedgerFile, LedgerFile], tmp_path: Path) -> None:
    for number in range(20):
        two[number % 2].append([act(target=f"p{number}"), *([act()] if number % 3 else [])])
    verification = look(tmp_path)
    assert verification.findings == ()
    assert verification.records["act"] == 33


def test_a_head_that_goes_back_is_not_built_upon(two: tuple[LedgerFile, LedgerFile], tmp_path: Path) -> None:
    one, _ = two
    one.append([act()])
    old = read_head(tmp_path)
    one.append([act()])
    with rewrite(tmp_path) as database:
        database.execute("DELETE FROM act WHERE number = 2")
        database.execute(
            "UPDATE head SET statement = ?, signature = ?", (old.statement, bytes.fromhex(old.signature))
        )
    with pytest.raises(StateError, match="older than what was written to it"):
        one.append([act()])
