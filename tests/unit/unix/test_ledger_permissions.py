"""Nobody but its owner reads the ledger or its key, where the system has permissions of files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from relaycore.errors import StateError
from relaycore.ledger.keys import KEY_FILE
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from tests.support.ledger import act


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    file = LedgerFile(folder)
    file.append([act()])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {modes[name] for name in (LEDGER_FILE, f"{LEDGER_FILE}-wal", KEY_FILE)} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    file.close()


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    file.append([act()])
    file.close()
    (tmp_path / KEY_FILE).chmod(0o640)
    file = LedgerFile(tmp_path)
    with pytest.raises(StateError, match="may be read by others"):
        file.append([act()])
    file.close()
