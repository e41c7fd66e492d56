"""Deletes records on time, and leaves a record of each removal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from relaycore.ledger.records import Kind
from relaycore.ledger.store import LedgerFile
from relaycore.settings.ledger import RetentionSettings

__all__ = ["DAY_MS", "remove_old"]

DAY_MS: Final = 24 * 60 * 60 * 1000
"""Milliseconds of a day."""


def remove_old(file: LedgerFile, retention: RetentionSettings, now: int) -> int:
    """Deletes what is too old at ``now``, a time of records, and gives how many records that were.

    StateError where the ledger cannot be written; what was deleted before stays so, and is on record.
    """
    removed = 0
    for kind, days in _kinds(retention):
        if days:
            while found := file.remove(kind, now - days * DAY_MS, days):
                removed += found
    if removed:
        file.forget_deleted()
    return removed


def _kinds(retention: RetentionSettings) -> Iterator[tuple[Kind, int]]:
    """The openings say nothing that the sessions do not say. Records of removals are kept for ever."""
    yield "opening", retention.session
    yield "session", retention.session
    yield "refusal", retention.refusal
    yield "act", retention.act
