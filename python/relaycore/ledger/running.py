"""Tells whether another relay that keeps the same ledger is running.

Each holds a shared lock of an empty SQLite file as long as it runs; the system takes it back however the
relay ends. Who gets the file for itself alone knows that there is no other.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["LOCK_FILE", "Running"]

LOCK_FILE: Final = "ledger.lock"
"""Name of the file in the state folder. It is always empty."""

_PATIENCE_S: Final = 5.0
"""Seconds to wait for another relay that is just starting."""


class Running:
    """The lock of one relay. May be used from any thread, by one at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_FILE
        self._database: sqlite3.Connection | None = None

    def begin(self, alone: Callable[[], object]) -> None:
        """Says that this relay runs, after calling ``alone`` where no other one does.

        sqlite3.Error or OSError where the file cannot be used.
        """
        if self._database is not None:
            return
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        database = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            try:
                database.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                pass  # another relay runs
            else:
                alone()
                database.execute("COMMIT")
            database.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000:.0f}")
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            database.close()
            raise
        self._database = database

    def end(self) -> None:
        """Says that it runs no more."""
        if self._database is not None:
            self._database.close()
            self._database = None
