"""``relaycore audit``."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from relaycore.control.cli import main
from relaycore.ledger.keys import KEY_FILE, PUBLIC_KEY_FILE
from relaycore.ledger.store import LedgerFile
from tests.support.ledger import DAY_MS, START_MS, act, opening, refusal, rewrite, session, written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with a ledger."""
    state = tmp_path / "state"
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(state))
    file = LedgerFile(state)
    for day in range(3):
        begun = opening("anna", at=START_MS + day * DAY_MS)
        file.append([begun, session(begun)])
    file.append([opening("bo", "door"), refusal("anna"), act("bo")])
    file.close()
    return state


def day_of(ms: int) -> str:
    """The day of a time of records where this machine is."""
    return datetime.fromtimestamp(ms / 1000).astimezone().date().isoformat()


def test_a_ledger_as_it_was_written_is_told_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The ledger is as it was written: 4 opening, 3 session, 1 refusal, 1 act")


def test_what_was_changed_is_named_and_the_exit_code_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rewrite(folder) as database:
        database.execute("DELETE FROM session WHERE number = 2")
        database.execute("UPDATE act SET body = replace(body, 'setPath', 'getPath')")
    assert main(["audit", "verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Session record 2 was removed."
    assert lines[1] == "Act record 1 was edited."
    assert lines[2].startswith("The ledger is NOT as it was written")


def test_key_and_head_are_kept_elsewhere(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who can write to the state folder can make all of it anew, but not what somebody else has kept."""
    assert main(["audit", "key"]) == 0
    key = capsys.readouterr().out
    assert key.startswith("-----BEGIN PUBLIC KEY-----")
    (tmp_path / "kept.pub").write_text(key)
    assert main(["audit", "head"]) == 0
    (tmp_path / "head.json").write_text(capsys.readouterr().out)
    kept = ["--key", str(tmp_path / "kept.pub"), "--head", str(tmp_path / "head.json")]
    assert main(["audit", "verify", *kept]) == 0
    for path in folder.iterdir():
        path.unlink()
    file = LedgerFile(folder)
    file.append([act("bo")])
    file.close()
    assert main(["audit", "verify"]) == 0
    capsys.readouterr()
    assert main(["audit", "verify", *kept]) == 1
    assert "not signed by this key" in capsys.readouterr().out


def test_records_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("act" in line and "setPath" in line for line in lines)
    assert main(["audit", "list", "--subject", "anna", "--kind", "session"]) == 0
    assert capsys.readouterr().out.count("the client ended it") == 3
    assert main(["audit", "list", "--path", "/door"]) == 0
    assert "has not ended" in capsys.readouterr().out
    assert main(["audit", "list", "--kind", "session", "--limit", "2"]) == 0
    assert "There are more" in capsys.readouterr().out
    day = day_of(START_MS + DAY_MS)
    assert main(["audit", "list", "--kind", "session", "--from", day, "--to", day]) == 0
    assert capsys.readouterr().out.count("the client ended it") == 1
    assert main(["audit", "list", "--subject", "nobody", "--kind", "session"]) == 0
    assert "There are no such records" in capsys.readouterr().out
    acts = [(record.act, record.target) for record in written(folder, "act")[1:]]
    assert acts == [
        ("audit list", None),
        ("audit list", "anna"),
        ("audit list", "/door"),
        ("audit list", None),
        ("audit list", None),
        ("audit list", "nobody"),
    ]


def test_all_that_is_about_a_user_is_exported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "export", "--subject", "anna"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["kind"] for row in rows] == ["act", "session", "session", "session", "refusal"]
    assert rows[0]["act"] == "audit export", "who looks is told as well"
    output = tmp_path / "anna.json"
    assert main(["audit", "export", "--subject", "anna", "--format", "json", "--output", str(output)]) == 0
    found = json.loads(output.read_text())
    assert found["subject"] == "anna"
    assert [record["id"] for record in found["records"][1:]] == [row["id"] for row in rows]
    assert main(["audit", "export", "--subject", "anna", "--output", str(output)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [record.act for record in written(folder, "act")[1:]] == ["audit export"] * 3
    assert main(["audit", "export", "--subject", "anna", "--to", day_of(START_MS - DAY_MS)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_copy_without_the_key_is_read_and_not_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / KEY_FILE).unlink()
    for arguments in (["list"], ["export", "--subject", "anna"], ["verify"]):
        assert main(["audit", *arguments, "--state-folder", str(copy)]) == 0
    assert len(written(copy, "act")) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["verify", "--key", "nothing.pub"], "nothing.pub is missing"),
        (["verify", "--head", "nothing.json"], "nothing.json cannot be read"),
        (["list", "--kind", "sesion"], "There is no kind 'sesion'; did you mean session?"),
        (["list", "--limit", "0"], "--limit: '0' is not right"),
        (["list", "--from", "yesterday"], "--from: 'yesterday' is no time"),
        (["list", "--to", "2026-13-01"], "--to: '2026-13-01' is no time"),
        (["export", "--subject", "anna", "--format", "xml"], "There is no format 'xml'"),
        (["export"], "The following arguments are required: --subject"),
        (["key", "--state-folder", "nowhere"], f"{PUBLIC_KEY_FILE} is missing"),
        (["head", "--state-folder", "nowhere"], "There is no ledger"),
    ],
)
def test_what_is_wrong_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["audit", *arguments]) == 2
    assert sentence in capsys.readouterr().err
