"""The file of the ledger: what is written is kept, and what cannot be written is told."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from relaycore.errors import StateError
from relaycore.ledger.keys import KEY_FILE, PUBLIC_KEY_FILE, PublicKey, SigningKey
from relaycore.ledger.records import Record, encode, read, tidy
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile, has_ledger
from tests.support.ledger import DAY_MS, START_MS, act, look, opening, refusal, rewrite, session

RECORDS = 200
"""Records that the killed program has at least written before it is killed."""

WRITER = """
import sys
from pathlib import Path
from relaycore.ledger.store import LedgerFile
from tests.support.ledger import opening, session

file = LedgerFile(Path(sys.argv[1]))
while True:
    begun = opening()
    file.append([begun])
    print("opening", begun.id, flush=True)
    ended = session(begun)
    file.append([ended])
    print("session", ended.id, flush=True)
"""


def bodies(folder: Path, kind: str) -> list[str]:
    with rewrite(folder) as database:
        return [body for (body,) in database.execute(f"SELECT body FROM {kind} ORDER BY number")]


@pytest.mark.parametrize("record", [opening(), session(opening(None)), act(), refusal()])
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert read(encode(record)) == record


def test_bodies_are_canonical() -> None:
    """Sorted names and no spaces: the same record has the same bytes, whoever writes it."""
    record = session(opening("jürgen", path="a/b"))
    text = encode(record).decode()
    assert text.startswith('{"action":"read","at":')
    assert '"from":' in text
    assert '"subject":"jürgen"' in text
    names = re.findall(r'[{,]"(\w+)":', text)
    assert names == sorted(names)
    assert len(names) == len(set(names)) == len(type(record).__struct_fields__) + 1


def test_texts_of_strangers_are_cut_and_can_be_written() -> None:
    assert tidy("x" * 1000, 5) == "xxxxx"
    assert encode(act(target=tidy("a\udcffb", 10) or ""))
    assert tidy(None, 5) is None


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline().split() for _ in range(RECORDS)]
    process.kill()
    told += [line.split() for line in process.stdout.read().splitlines() if len(line.split()) == 2]
    process.stdout.close()
    process.wait()
    for kind in ("opening", "session"):
        written = [read(body).id for body in bodies(tmp_path, kind)]
        acknowledged = [name for which, name in told if which == kind]
        assert written[: len(acknowledged)] == acknowledged
    assert look(tmp_path).intact
    file = LedgerFile(tmp_path)
    file.end_open()
    file.append([act()])
    file.close()
    verification = look(tmp_path)
    assert verification.intact
    assert verification.records["opening"] == verification.records["session"]


def test_sessions_that_were_left_open_are_ended(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    left, ended = opening("anna"), opening("bo")
    file.append([left, ended])
    file.append([session(ended)])
    assert file.end_open(START_MS + DAY_MS) == 1
    assert file.end_open() == 0
    file.close()
    body = read(bodies(tmp_path, "session")[-1])
    assert (body.id, body.subject, body.at) == (left.id, "anna", START_MS + DAY_MS)
    assert '"reason":"the relay ended without notice","role":"viewer"' in bodies(tmp_path, "session")[-1]
    assert look(tmp_path).intact


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """Limited pages make SQLite say what it says of a full disk."""
    file = LedgerFile(tmp_path)
    file.append([act()])
    file.limit_pages(1)
    with pytest.raises(StateError, match="database or disk is full"):
        file.append([act(target="x" * 100) for _ in range(1000)])
    file.limit_pages(1_000_000)
    file.append([act(), act()])
    file.close()
    verification = look(tmp_path)
    assert verification.intact
    assert verification.records["act"] == 3


def test_a_locked_ledger_is_told_and_changes_nothing(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path, busy_s=0.01)
    file.append([act()])
    with rewrite(tmp_path) as database:
        database.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="database is locked"):
            file.append([act()])
        database.execute("ROLLBACK")
    file.append([act()])
    file.close()
    assert look(tmp_path).records["act"] == 2


def test_a_key_that_is_missing_or_wrong_is_told(tmp_path: Path) -> None:
    def refused() -> str:
        file = LedgerFile(tmp_path)
        with pytest.raises(StateError) as raised:
            file.append([act()])
        file.close()
        return str(raised.value)

    file = LedgerFile(tmp_path)
    file.append([act()])
    file.close()
    key = tmp_path / KEY_FILE
    key.rename(tmp_path / "elsewhere")
    assert f"{key} is missing" in refused()
    key.write_text("no key")
    key.chmod(0o600)
    assert "is no key of a ledger" in refused()
    key.unlink()
    SigningKey.make(tmp_path)
    assert "its head is not signed by the key beside it" in refused()
    with pytest.raises(StateError, match="is no public key"):
        PublicKey.load(key)
    with pytest.raises(StateError, match="is missing"):
        PublicKey.load(tmp_path / "nothing")


def test_the_public_key_is_written_beside_the_other(tmp_path: Path) -> None:
    made = SigningKey.make(tmp_path)
    public = PublicKey.load(tmp_path / PUBLIC_KEY_FILE)
    assert public.fingerprint == made.public.fingerprint
    assert public.verifies(made.sign(b"x"), b"x")
    assert not public.verifies(made.sign(b"x"), b"y")
    assert SigningKey.make(tmp_path).public.pem == public.pem


def test_what_is_deleted_is_nowhere_in_the_files(tmp_path: Path) -> None:
    """Not in free pages of the file, nor in that of recent changes."""
    file = LedgerFile(tmp_path)
    file.append([act("to-be-forgotten", at=START_MS + number) for number in range(500)])
    file.append([act("to-be-kept", at=START_MS + DAY_MS)])
    contents = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert contents.count(b"to-be-forgotten") >= 500
    assert file.remove("act", START_MS + DAY_MS, 1) == 500
    file.forget_deleted()
    contents = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"to-be-forgotten" not in contents
    assert b"to-be-kept" in contents
    file.close()
    assert look(tmp_path).intact


def test_a_clock_that_was_ahead_delays_deleting_and_never_hastens_it(tmp_path: Path) -> None:
    """Only what is older than the first record that is not goes: no number is left out between."""
    file = LedgerFile(tmp_path)
    file.append([act(at=START_MS + day * DAY_MS) for day in (0, 1, 9, 2, 3)])
    assert file.remove("act", START_MS + 5 * DAY_MS, 1) == 2
    file.close()
    assert look(tmp_path).intact


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / LEDGER_FILE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    file = LedgerFile(tmp_path)
    with pytest.raises(StateError, match="newer version of relaycore"):
        file.append([act()])
    file.close()


def test_whether_there_is_a_ledger(tmp_path: Path) -> None:
    assert not has_ledger(tmp_path)
    SigningKey.make(tmp_path)
    with pytest.raises(StateError, match="There is no ledger"):
        look(tmp_path)
    file = LedgerFile(tmp_path)
    file.open()
    file.close()
    assert has_ledger(tmp_path)
    assert look(tmp_path).intact
