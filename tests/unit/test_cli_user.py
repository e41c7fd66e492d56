"""``relaycore user``, and that the server of the same folder knows what it does."""

import getpass
import io
import re
from pathlib import Path

import pytest

from relaycore.access.accounts import AccountFile
from relaycore.control.cli import main
from relaycore.ledger.store import LedgerFile
from tests.support.ledger import rewrite, written


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path))
    return tmp_path


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What stands in standard input, which is no terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What a person types at a terminal, without seeing it."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(lines)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))


def listed(folder: Path) -> dict[str, str]:
    file = AccountFile(folder)
    try:
        return {account.name: account.role for account in file.all()}
    finally:
        file.close()


def test_users_are_added_listed_changed_and_removed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["user", "list"]) == 0
    assert "There are no users" in capsys.readouterr().out
    give(monkeypatch, "open sesame\n")
    assert main(["user", "add", "anna", "--role", "operator"]) == 0
    give(monkeypatch, "x\n")
    assert main(["user", "add", "bo"]) == 0
    assert listed(folder) == {"anna": "operator", "bo": "viewer"}
    assert main(["user", "role", "bo", "auditor"]) == 0
    give(monkeypatch, "another\n")
    assert main(["user", "password", "anna"]) == 0
    assert main(["user", "list"]) == 0
    output = capsys.readouterr()
    assert re.search(r"anna\W+operator", output.out)
    assert re.search(r"bo\W+auditor", output.out)
    assert main(["user", "remove", "bo"]) == 0
    assert listed(folder) == {"anna": "operator"}
    output = capsys.readouterr()
    assert "open sesame" not in output.out + output.err


def test_a_password_is_typed_twice_or_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, "one", "other")
    assert main(["user", "add", "anna"]) == 2
    assert "The two passwords differ" in capsys.readouterr().err
    type_in(monkeypatch, "one", "one")
    assert main(["user", "add", "anna"]) == 0
    assert "one" not in capsys.readouterr().out
    type_in(monkeypatch, "")
    assert main(["user", "add", "bo"]) == 0
    assert re.search(r"The password is (\w{4}-){3}\w{4} \(shown only now\)", capsys.readouterr().out)
    assert listed(folder) == {"anna": "viewer", "bo": "viewer"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "an:na"], "'an:na' cannot be a name"),
        (["add", "anna", "--role", "vewer"], "There is no role 'vewer'; did you mean viewer?"),
        (["add", "anna"], "A password has 1 to 256 characters"),
        (["add", "taken"], "There is a user 'taken' already"),
        (["remove", "taker"], "There is no user 'taker'; did you mean taken?"),
        (["password", "nobody"], "There is no user 'nobody'"),
        (["role", "nobody", "viewer"], "There is no user 'nobody'"),
        (["add", "anna", "password"], "There is one argument too many: 'password'"),
    ],
)
def test_what_is_wrong_is_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    give(monkeypatch, "x\n")
    assert main(["user", "add", "taken"]) == 0
    give(monkeypatch, "")
    assert main(["user", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert listed(folder) == {"taken": "viewer"}


def test_what_is_done_is_on_record_where_there_is_a_ledger(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = LedgerFile(folder)
    file.open()
    file.close()
    for arguments in (["add", "anna"], ["role", "anna", "auditor"], ["password", "anna"], ["remove", "anna"]):
        give(monkeypatch, "open sesame\n")
        assert main(["user", *arguments]) == 0
    assert main(["user", "remove", "anna"]) == 2
    acts = written(folder, "act")
    assert [(act.act, act.target, act.means) for act in acts] == [
        ("user add", "anna", "command line"),
        ("user role", "anna", "command line"),
        ("user password", "anna", "command line"),
        ("user remove", "anna", "command line"),
    ]
    assert {act.operator for act in acts} == {getpass.getuser()}
    assert "open sesame" not in str(acts)


def test_what_cannot_be_put_on_record_is_not_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("relaycore.control.on_record.BUSY_S", 0.01)
    file = LedgerFile(folder)
    file.open()
    file.close()
    with rewrite(folder) as database:
        database.execute("BEGIN IMMEDIATE")
        give(monkeypatch, "open sesame\n")
        assert main(["user", "add", "anna"]) == 2
        database.execute("ROLLBACK")
    assert "database is locked" in capsys.readouterr().err
    assert listed(folder) == {}
