"""Password spraying: one network tries few passwords for many accounts.

An account is at home in a network where it has watched: a wrong password there is a slip. One that succeeds
afterwards was a slip, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from relaycore.access.recognition import TOO_MANY
from relaycore.alerts.model import MOST_RECORDS, Evidence, Finding, Happening
from relaycore.alerts.places import MINUTE_MS, SHARE, network_in
from relaycore.alerts.table import Table
from relaycore.language import Message, message_lines, message_n
from relaycore.ledger.records import Opening, Refusal
from relaycore.settings.alerts import SprayingRule

__all__ = ["Spraying"]

MOST_NETWORKS: Final = 4096
"""Networks whose wrong passwords are remembered."""

MOST_HOMES: Final = 20_000
"""Pairs of an account and a network where it is at home."""

MOST_ACCOUNTS: Final = 200
"""Accounts of one network that are remembered."""

MADE_UP: Final = 5
"""Attempts at names that nobody has which count as one account: one name may be tried again and again."""

WRONG: Final = 401
"""The status of a wrong password. Those that wait before the next attempt are refused with 403."""


@dataclass(slots=True)
class _Network:
    """Who was tried from a network, and when names were that nobody has: time, record and how many."""

    accounts: Evidence = field(default_factory=lambda: Evidence(MOST_ACCOUNTS))
    made_up: deque[tuple[int, str, int]] = field(default_factory=lambda: deque(maxlen=MOST_ACCOUNTS))


class Spraying:
    """Looks for it. The subject of an alert is the network."""

    takes: ClassVar[tuple[type, ...]] = (Opening, Refusal)

    def __init__(self, settings: SprayingRule) -> None:
        self._accounts = settings.accounts
        self._window = settings.minutes * MINUTE_MS
        self._networks: Table[str, _Network] = Table(MOST_NETWORKS, _Network)
        self._homes: Table[tuple[str, str], bool] = Table(MOST_HOMES, lambda: True)

    def take(self, happening: Happening) -> Iterator[Finding]:
        """Something has happened."""
        if isinstance(happening, Opening):
            self._came_in(happening)
        elif isinstance(happening, Refusal):
            yield from self._refused(happening)

    def _came_in(self, opening: Opening) -> None:
        network = network_in(opening.network)
        if opening.subject is None or network is None or opening.subject.startswith(SHARE):
            return
        self._homes.use((opening.subject, network))
        tried = self._networks.find(network)
        if tried is not None:
            tried.accounts.forget(opening.subject)

    def _refused(self, refusal: Refusal) -> Iterator[Finding]:
        network = network_in(refusal.network)
        if network is None or not (refusal.status == WRONG or refusal.reason.startswith(TOO_MANY)):
            return
        tried = self._networks.use(network)
        if refusal.subject is None:
            tried.made_up.append((refusal.at, refusal.id, refusal.count))
        elif (refusal.subject, network) in self._homes:
            return
        else:
            tried.accounts.add(refusal.subject, refusal.at, refusal.id)
        since = refusal.at - self._window
        while tried.made_up and tried.made_up[0][0] < since:
            tried.made_up.popleft()
        accounts = tried.accounts.since(since)
        guesses = sum(count for _, _, count in tried.made_up)
        # Names that nobody has are only half of the proof: a program with a wrong name tries for ever.
        if len(accounts) >= 2 and len(accounts) + guesses // MADE_UP >= self._accounts:
            names = ", ".join(list(accounts)[-5:])
            records = (*(record for _, record, _ in tried.made_up), *tried.accounts.records)[-MOST_RECORDS:]
            yield Finding(
                at=refusal.at,
                rule="spraying",
                subject=network,
                text=message_lines(self._said(network, len(accounts), names, guesses), " "),
                records=records,
            )

    def _said(self, network: str, accounts: int, names: str, guesses: int) -> list[str]:
        said: list[str] = [
            Message(
                "From {network}, wrong passwords were sent for {accounts} accounts that do not watch from "
                "there ({names}) within {minutes} minutes.",
                network=network,
                accounts=accounts,
                names=names,
                minutes=self._window // MINUTE_MS,
            )
        ]
        if guesses:
            said.append(
                message_n(
                    "{count} attempt was made with names that nobody has.",
                    "{count} attempts were made with names that nobody has.",
                    guesses,
                )
            )
        return said
