"""One account in several networks at once: somebody else may know its password."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from relaycore.alerts.model import MOST_RECORDS, Finding, Happening
from relaycore.alerts.places import HISTORY_DAYS, SHARE, day_of, network_in
from relaycore.alerts.table import Table
from relaycore.language import Message
from relaycore.ledger.records import Opening, Session
from relaycore.settings.alerts import NetworkRule

__all__ = ["Networks"]

NEW: Final = 2
"""Networks more that it takes where an account has no history."""

MOST_ACCOUNTS: Final = 10_000
"""Accounts that are remembered."""

MOST_KNOWN: Final = 32
"""Networks of one account that are remembered."""

MOST_OPEN: Final = 100
"""Sessions of one account that are open and remembered."""

MOST_LOOKS: Final = 10_000
"""Accounts that are to be looked at later."""


@dataclass(slots=True)
class _Account:
    """An account.

    The days on which it watched, its networks with the first day of each, and its open sessions: where, and
    since when.
    """

    days: set[int] = field(default_factory=set)
    known: OrderedDict[str, int] = field(default_factory=OrderedDict)
    open: dict[str, tuple[str, int]] = field(default_factory=dict)

    def note(self, network: str, day: int) -> None:
        self.days = {known for known in self.days if known > day - HISTORY_DAYS} | {day}
        self.known.setdefault(network, day)
        self.known.move_to_end(network)
        if len(self.known) > MOST_KNOWN:
            self.known.popitem(last=False)


class Networks:
    """Looks for it. The subject of an alert is the account."""

    takes: ClassVar[tuple[type, ...]] = (Opening,)

    def __init__(self, settings: NetworkRule) -> None:
        self._settings = settings
        self._lasts = settings.seconds * 1000
        self._accounts: Table[str, _Account] = Table(MOST_ACCOUNTS, _Account)
        self._looks: list[tuple[int, str]] = []

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if isinstance(happening, Session):
            account = self._accounts.find(happening.subject or "")
            if account is not None:
                account.open.pop(happening.id, None)
        elif isinstance(happening, Opening):
            self._begun(happening)
        return iter(())

    def advance(self, now: int) -> Iterator[Finding]:
        """Looks at the accounts whose time has come."""
        while self._looks and self._looks[0][0] <= now:
            at, subject = heapq.heappop(self._looks)
            account = self._accounts.find(subject)
            if account is not None:
                yield from self._look(subject, account, at)

    def _begun(self, opening: Opening) -> None:
        subject, network = opening.subject, network_in(opening.network)
        if subject is None or network is None or subject.startswith(SHARE):
            return
        account = self._accounts.use(subject)
        account.note(network, day_of(opening.at))
        account.open[opening.id] = network, opening.at
        if len(account.open) > MOST_OPEN:
            del account.open[next(iter(account.open))]
        if len({where for where, _ in account.open.values()}) > 1 and len(self._looks) < MOST_LOOKS:
            heapq.heappush(self._looks, (opening.at + self._lasts, subject))

    def _look(self, subject: str, account: _Account, at: int) -> Iterator[Finding]:
        # Those that have lasted: a telephone has left a network before its session there ends.
        lasting = [(id_, where) for id_, (where, since) in account.open.items() if since <= at - self._lasts]
        networks = sorted({where for _, where in lasting})
        today = day_of(at)
        settled = len([day for day in account.days if day < today]) >= self._settings.days
        if settled and all(account.known.get(network, today) < today for network in networks):
            return
        if len(networks) >= self._settings.networks + (0 if settled else NEW):
            yield Finding(
                at=at,
                rule="networks",
                subject=subject,
                text=Message(
                    "{subject} has been watching from {networks} networks at once for {seconds} "
                    "seconds ({names}); not all of them are known for this account.",
                    subject=subject,
                    networks=len(networks),
                    seconds=self._settings.seconds,
                    names=", ".join(networks[:5]),
                ),
                records=tuple(id_ for id_, _ in lasting)[-MOST_RECORDS:],
            )
