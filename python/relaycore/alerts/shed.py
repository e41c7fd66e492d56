"""A reader that keeps being too slow: it misses pictures again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from relaycore.alerts.model import Evidence, Finding, Happening, Shed
from relaycore.alerts.places import MINUTE_MS
from relaycore.alerts.table import Table
from relaycore.language import Message
from relaycore.ledger.records import Session
from relaycore.settings.alerts import ShedRule

__all__ = ["ShedReader"]

MOST_READERS: Final = 4096
"""Readers that are remembered, and sessions."""


class ShedReader:
    """Looks for it. The subject of an alert is the account, or the network, that reads.

    In a running relay a session counts whenever it has missed more; in a ledger, where it has ended.
    """

    takes: ClassVar[tuple[type, ...]] = (Session, Shed)

    def __init__(self, settings: ShedRule) -> None:
        self._settings = settings
        self._window = settings.minutes * MINUTE_MS
        self._readers: Table[tuple[str, str], Evidence] = Table(
            MOST_READERS, lambda: Evidence(self._settings.times)
        )
        self._known: Table[str, int] = Table(MOST_READERS, int)

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if isinstance(happening, Session):
            known = self._known.pop(happening.id) or 0
            discarded = happening.discarded or 0
            reader = happening.subject or happening.network or "somebody without a name"
            if happening.action == "read" and discarded > known:
                yield from self._shed(reader, happening.path, happening.at, happening.id, discarded)
        elif isinstance(happening, Shed) and happening.discarded > (self._known.find(happening.record) or 0):
            self._known.put(happening.record, happening.discarded)
            yield from self._shed(
                happening.reader, happening.path, happening.at, happening.record, happening.discarded
            )

    def _shed(self, reader: str, path: str, at: int, record: str, discarded: int) -> Iterator[Finding]:
        missed = self._readers.use((reader, path))
        # One session may be there several times.
        missed.add(f"{record} {at}", at, record)
        times = len(missed.since(at - self._window))
        if times >= self._settings.times:
            yield Finding(
                at=at,
                rule="shed",
                subject=reader,
                path=path,
                text=Message(
                    "{reader} has been too slow for {path} {times} times within {minutes} "
                    "minutes, the last time by {discarded} packets: the network between may be "
                    "too narrow.",
                    reader=reader,
                    path=path,
                    times=times,
                    minutes=self._settings.minutes,
                    discarded=discarded,
                ),
                records=tuple(dict.fromkeys(missed.records)),
            )
