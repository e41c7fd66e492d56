"""How the ledger does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from relaycore.web.metrics.exposition import Family

if TYPE_CHECKING:
    from relaycore.ledger.ledger import Ledger

__all__ = ["ledger_families"]


def ledger_families(ledger: Ledger | None) -> Iterator[Family]:
    """Families of the ledger; none where there is no ledger."""
    if ledger is None:
        return
    records = Family("relaycore_ledger_records_total", "counter", "Records that were written, by kind.")
    for kind, count in sorted(ledger.written.items()):
        records.add(count, kind=kind)
    yield records
    lost = Family(
        "relaycore_ledger_lost_records_total", "counter", "Records that were not written, and never will be."
    )
    lost.add(ledger.lost)
    waiting = Family("relaycore_ledger_waiting_records", "gauge", "Records that wait to be written.")
    waiting.add(ledger.waiting)
    failing = Family(
        "relaycore_ledger_failing", "gauge", "1 where the last attempt to write failed, 0 where not."
    )
    failing.add(ledger.failure is not None)
    yield from (lost, waiting, failing)
