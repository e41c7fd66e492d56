"""Puts on record what commands do, where the state folder has a ledger."""

from __future__ import annotations

import getpass
from pathlib import Path

from relaycore.ledger.keys import KEY_FILE
from relaycore.ledger.records import Act
from relaycore.ledger.store import LedgerFile, has_ledger

__all__ = ["put_on_record"]

BUSY_S = 5.0
"""Seconds to wait for a relay that writes."""


def put_on_record(folder: Path, act: str, target: str | None, *, unless_copy: bool = False) -> None:
    """Records that a command is about to do something. StateError where there is a ledger and that fails.

    With ``unless_copy`` nothing is recorded where there is no key: that is a copy of a ledger, to be read.
    """
    if not has_ledger(folder) or (unless_copy and not (folder / KEY_FILE).exists()):
        return
    file = LedgerFile(folder, busy_s=BUSY_S)
    try:
        file.append([Act(act=act, target=target, means="command line", operator=_operator())])
    finally:
        file.close()


def _operator() -> str | None:
    """The account of the operating system, where it has a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None
