"""``relaycore user``, and that the server of the same folder knows what it does."""

import contextlib
import getpass
import io
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from relaycore.access.accounts import ACCOUNT_FILE, AccountFile
from relaycore.access.sealed import SEAL_FILE, Seal, seal_file
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


def kept(folder: Path) -> dict[str, str | None]:
    """The passwords that are kept for ONVIF."""
    key = seal_file(folder).read()
    file = AccountFile(folder)
    try:
        return {
            account.name: None
            if key is None or account.sealed is None
            else Seal(key).open(account.name, account.sealed)
            for account in file.all()
        }
    finally:
        file.close()


def test_a_password_is_kept_for_onvif_where_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, options in (("anna", ["--onvif"]), ("bo", [])):
        give(monkeypatch, "open sesame\n")
        assert main(["user", "add", name, *options]) == 0
    assert kept(folder) == {"anna": "open sesame", "bo": None}
    output = capsys.readouterr().out
    assert "use it nowhere else" in " ".join(output.split())
    assert main(["user", "list"]) == 0
    assert re.search(r"anna\W+viewer\W+kept", output := capsys.readouterr().out)
    assert not re.search(r"bo\W+viewer\W+kept", output)
    for file in folder.iterdir():
        assert b"open sesame" not in file.read_bytes()


@pytest.mark.parametrize(
    ("options", "password"), [([], "another"), (["--onvif"], "another"), (["--no-onvif"], None)]
)
def test_another_password_is_kept_as_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], password: str | None
) -> None:
    give(monkeypatch, "open sesame\n")
    assert main(["user", "add", "anna", "--onvif"]) == 0
    give(monkeypatch, "another\n")
    assert main(["user", "password", "anna", *options]) == 0
    assert kept(folder) == {"anna": password}
    assert main(["user", "role", "anna", "operator"]) == 0
    assert kept(folder) == {"anna": password}


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        ("00" * 32, 0o644, "may be read by others, who could read passwords"),
        ("00", 0o600, "is no key of passwords"),
        ("what", 0o600, "cannot be read"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_key_that_is_not_right_is_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    mode: int,
    sentence: str,
) -> None:
    (folder / SEAL_FILE).write_text(content)
    (folder / SEAL_FILE).chmod(mode)
    give(monkeypatch, "open sesame\n")
    assert main(["user", "add", "anna", "--onvif"]) == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert listed(folder) == {}


def test_a_file_of_an_older_version_is_brought_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, "open sesame\n")
    assert main(["user", "add", "anna"]) == 0
    with contextlib.closing(sqlite3.connect(folder / ACCOUNT_FILE)) as database:
        database.execute("ALTER TABLE users DROP COLUMN sealed")
        database.execute("PRAGMA user_version = 2")
        database.commit()
    give(monkeypatch, "another\n")
    assert main(["user", "password", "anna", "--onvif"]) == 0
    assert kept(folder) == {"anna": "another"}


def add(monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> None:
    give(monkeypatch, "open sesame\n")
    assert main(["user", "add", name, *options]) == 0


def change_meanwhile(monkeypatch: pytest.MonkeyPatch, *acts: list[str]) -> None:
    """Has others do something while a password is typed."""

    class Slow(io.StringIO):
        def isatty(self) -> bool:
            for act in acts:
                give(monkeypatch, "third\n")
                assert main(["user", *act]) == 0
            monkeypatch.setattr("sys.stdin", self)
            return False

    monkeypatch.setattr("sys.stdin", Slow("another\n"))


def test_a_role_that_changes_while_a_password_is_typed_stays_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, "anna", "--role", "administrator")
    change_meanwhile(monkeypatch, ["role", "anna", "viewer"])
    assert main(["user", "password", "anna"]) == 0
    assert listed(folder) == {"anna": "viewer"}


def test_what_is_not_to_be_kept_any_more_is_not_while_another_password_is_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, "anna", "--onvif")
    change_meanwhile(monkeypatch, ["password", "anna", "--no-onvif"])
    assert main(["user", "password", "anna"]) == 0
    assert kept(folder) == {"anna": None}


def test_what_it_means_is_told_before_the_password_is_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            told.append(" ".join(capsys.readouterr().out.split()))
            return False

    monkeypatch.setattr("sys.stdin", Terminal("open sesame\n"))
    assert main(["user", "add", "anna", "--onvif"]) == 0
    assert f"Whoever has both {ACCOUNT_FILE} and {SEAL_FILE} of" in told[0]
    assert "use it nowhere else" in told[0]
    assert kept(folder) == {"anna": "open sesame"}


@pytest.mark.parametrize("act", [["add", "cy", "--onvif"], ["password", "bo", "--onvif"], ["password", "bo"]])
def test_no_other_key_is_made_where_one_is_gone_that_is_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], act: list[str]
) -> None:
    add(monkeypatch, "anna", "--onvif")
    add(monkeypatch, "bo", "--onvif")
    key = (folder / SEAL_FILE).read_bytes()
    (folder / SEAL_FILE).unlink()
    give(monkeypatch, "another\n")
    assert main(["user", *act]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"{SEAL_FILE} is gone, with which the passwords of anna" in error
    assert "--no-onvif" in error
    assert not (folder / SEAL_FILE).exists()
    (folder / SEAL_FILE).write_bytes(key)
    (folder / SEAL_FILE).chmod(0o600)
    assert kept(folder) == {"anna": "open sesame", "bo": "open sesame"}


def test_after_a_key_is_lost_passwords_are_given_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(monkeypatch, "anna", "--onvif")
    add(monkeypatch, "bo", "--onvif")
    (folder / SEAL_FILE).unlink()
    for options in (["bo", "--no-onvif"], ["anna"], ["bo", "--onvif"]):
        give(monkeypatch, "another\n")
        assert main(["user", "password", *options]) == 0
    assert kept(folder) == {"anna": "another", "bo": "another"}


@pytest.mark.parametrize("loss", ["gone", "other", "damaged", "moved"])
def test_the_list_says_what_cannot_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], loss: str
) -> None:
    add(monkeypatch, "anna", "--onvif")
    add(monkeypatch, "bo", "--onvif")
    match loss:
        case "gone":
            (folder / SEAL_FILE).unlink()
        case "other":
            (folder / SEAL_FILE).write_text("00" * 32)
        case "damaged":
            (folder / SEAL_FILE).write_text("what")
        case "moved":
            with contextlib.closing(sqlite3.connect(folder / ACCOUNT_FILE)) as database:
                database.execute(
                    "UPDATE users SET sealed = (SELECT sealed FROM users WHERE name = 'bo') "
                    "WHERE name = 'anna'"
                )
                database.commit()
    capsys.readouterr()
    assert main(["user", "list"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"anna\W+viewer\W+kept, but not readable", output)
    assert bool(re.search(r"bo\W+viewer\W+kept, but not readable", output)) is (loss != "moved")


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize(
    "act", [["password", "anna", "--no-onvif"], ["password", "anna"], ["remove", "anna"]]
)
def test_what_was_kept_is_not_in_the_files_any_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch, act: list[str], runs: bool
) -> None:
    add(monkeypatch, "anna", "--onvif")
    add(monkeypatch, "bo")
    file = AccountFile(folder)
    [sealed] = [account.sealed for account in file.all() if account.sealed is not None]
    if not runs:  # a relay that runs has it open
        file.close()
    assert any(sealed in each.read_bytes() for each in folder.iterdir())
    give(monkeypatch, "another\n")
    assert main(["user", *act]) == 0
    assert not any(sealed in each.read_bytes() for each in folder.iterdir())
    file.close()
