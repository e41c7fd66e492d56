"""``relaycore user``, and that the server of the same folder knows what it does."""

import io
import re
from pathlib import Path

import pytest

from relaycore.access.accounts import AccountFile
from relaycore.control.cli import main


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
