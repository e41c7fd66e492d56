"""Finding records: by user, path and time, page by page."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from relaycore.errors import StateError
from relaycore.ledger.export import as_csv, as_json, moment
from relaycore.ledger.query import Question, all_of, ask
from relaycore.ledger.records import KINDS, Act, Record
from relaycore.ledger.store import LedgerFile
from tests.support.ledger import (
    DAY_MS,
    START_MS,
    act,
    fill,
    opening,
    refusal,
    rewrite,
    session,
    sessions,
)

HOUR_MS = DAY_MS // 24


def add(folder: Path, *records: Record) -> None:
    file = LedgerFile(folder)
    for record in records:
        file.append([record])
    file.close()


def names(records: Iterable[Record]) -> list[tuple[str, int]]:
    return [(record.kind(), record.number) for record in records]


@pytest.fixture
def three_days(tmp_path: Path) -> Path:
    """A session of anna over midnight, one of bo on each day, a refusal and acts on the second day."""
    night = opening("anna", "door", START_MS + 23 * HOUR_MS)
    add(tmp_path, session(night, lasted_ms=4 * HOUR_MS))
    for day in range(3):
        noon = START_MS + day * DAY_MS + 12 * HOUR_MS
        add(tmp_path, session(opening("bo", "cam", noon)))
    second = START_MS + DAY_MS + 6 * HOUR_MS
    add(tmp_path, refusal("anna", "cam", second), act("bo", "door", second + 1))
    add(tmp_path, Act(at=second + 2, act="user role", target="anna", means="command line"))
    add(tmp_path, opening("anna", "cam", second + 3))
    return tmp_path


def test_the_newest_come_first(three_days: Path) -> None:
    page = ask(three_days, Question())
    assert page.next is None
    assert names(page.records) == [
        ("session", 4),
        ("session", 3),
        ("opening", 1),
        ("act", 2),
        ("act", 1),
        ("refusal", 1),
        ("session", 1),
        ("session", 2),
    ]


def test_what_is_about_a_user_is_found(three_days: Path) -> None:
    """Her sessions, those that last among them, what she was refused, and what was done to her account."""
    page = ask(three_days, Question(subject="anna"))
    assert names(page.records) == [("opening", 1), ("act", 2), ("refusal", 1), ("session", 1)]
    assert names(ask(three_days, Question(subject="nobody")).records) == []
    assert names(ask(three_days, Question(subject="anna", path="door")).records) == [("session", 1)]


def test_what_is_about_a_path_is_found(three_days: Path) -> None:
    page = ask(three_days, Question(path="door"))
    assert names(page.records) == [("act", 1), ("session", 1)]
    page = ask(three_days, Question(path="door", kinds=("session",)))
    assert names(page.records) == [("session", 1)]


def test_a_session_belongs_to_each_day_that_it_lasts_on(three_days: Path) -> None:
    for day, expected in ((0, [("session", 1), ("session", 2)]), (2, [("session", 4)])):
        since = START_MS + day * DAY_MS
        question = Question(since=since, until=since + DAY_MS, kinds=("session",))
        assert names(ask(three_days, question).records) == expected
    since = START_MS + DAY_MS
    second = ask(three_days, Question(since=since, until=since + DAY_MS, kinds=("session",)))
    assert names(second.records) == [("session", 3), ("session", 1)]
    assert names(ask(three_days, Question(since=since + 5 * HOUR_MS, subject="anna")).records) == [
        ("opening", 1),
        ("act", 2),
        ("refusal", 1),
    ]


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_hold_everything_once_and_in_order(tmp_path: Path, limit: int) -> None:
    file = LedgerFile(tmp_path, synchronous="normal")
    for records in sessions(150, random.Random(3)):
        for record in records:
            record.at -= record.at % 60_000  # many of the same moment
        file.append(records)
    file.append([opening(), opening()])
    file.close()
    for question in (Question(limit=limit), Question(limit=limit, subject="bo"), Question(path="cam")):
        found: list[Record] = []
        page = ask(tmp_path, question)
        while True:
            found += page.records
            if page.next is None:
                break
            assert len(page.records) == question.limit
            question = Question(limit=limit, subject=question.subject, path=question.path, after=page.next)
            page = ask(tmp_path, question)
        whole = Question(subject=question.subject, path=question.path)
        assert names(found) == names(all_of(tmp_path, whole))
        assert len(set(names(found))) == len(found)
        assert [record.at for record in found] == sorted((record.at for record in found), reverse=True)


def test_all_of_a_large_answer_is_there(tmp_path: Path) -> None:
    fill(tmp_path, 4000)
    found = list(all_of(tmp_path, Question(kinds=("session",))))
    assert len(found) == 4000


def test_no_record_is_read_that_is_no_answer(tmp_path: Path) -> None:
    """Every question of one user, one path or one time is answered by an index alone."""
    fill(tmp_path, 10)
    with rewrite(tmp_path) as database:
        for index, condition in (("subject", "subject = 'bo'"), ("path", "path = 'cam'"), ("at", "at > 5")):
            plan = database.execute(
                f"EXPLAIN QUERY PLAN SELECT at, begun, number, body FROM session INDEXED BY session_{index} "
                f"WHERE at >= 1 AND begun < 9 AND {condition} "
                "ORDER BY at DESC, begun DESC, number DESC LIMIT 5"
            ).fetchall()
            assert f"SEARCH session USING INDEX session_{index}" in plan[0][3]


def test_questions_that_are_not_right_are_told(three_days: Path, tmp_path: Path) -> None:
    for after in ("x", "1-2-session", "1-2-nothing-3", "1-2-session-3; DROP"):
        with pytest.raises(ValueError, match="no place to go on from"):
            ask(three_days, Question(after=after))
    with pytest.raises(StateError, match="There is no ledger"):
        ask(tmp_path / "elsewhere", Question())


def test_exports_say_everything_of_each_record(three_days: Path) -> None:
    records = list(all_of(three_days, Question(subject="anna")))
    text = "".join(as_json({"subject": "anna"}, iter(records)))
    found = json.loads(text)
    assert found["subject"] == "anna"
    assert [record["kind"] for record in found["records"]] == ["opening", "act", "refusal", "session"]
    last = found["records"][-1]
    assert last["from"] == moment(START_MS + 23 * HOUR_MS)
    assert (last["bytes"], last["reason"]) == (1000, "the client ended it")
    rows = list(csv.DictReader(io.StringIO("".join(as_csv(iter(records))), newline="")))
    assert [row["kind"] for row in rows] == ["opening", "act", "refusal", "session"]
    for row, record in zip(rows, found["records"], strict=True):
        given = {name: str(value) for name, value in record.items() if value is not None}
        assert {name: value for name, value in row.items() if value} == given
    assert json.loads("".join(as_json({"subject": "x"}, [])))["records"] == []


def test_a_spreadsheet_finds_no_formula_in_what_a_client_calls_itself() -> None:
    record = opening()
    record.client = "=cmd|' /C calc'!A0"
    (row,) = csv.DictReader(io.StringIO("".join(as_csv([record]))))
    assert row["client"] == "'=cmd|' /C calc'!A0"


def test_moments_are_written_as_people_read_them() -> None:
    assert moment(1_790_000_000_125) == "2026-09-21T14:13:20.125Z"
    assert KINDS[0] == "opening"
