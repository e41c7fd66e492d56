"""Refusals that do not fill the disk.

A stranger can be refused as often as the network allows. So each network has a number of refusals a minute
that are recorded one by one, and so have all together; those on top are counted, and each network that had
some gets one record of their number when the minute is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from relaycore.access.attempts import network_of
from relaycore.ledger.records import Refusal

__all__ = ["PERIOD_S", "Refusals"]

PERIOD_S: Final = 60.0
"""Seconds of a period."""

OF_A_NETWORK: Final = 30
"""Refusals of one network in a period that are recorded one by one."""

OF_ALL: Final = 300
"""Refusals of all networks in a period that are recorded one by one."""

MOST_NETWORKS: Final = 256
"""Networks of a period whose further refusals are counted by themselves; those of others together."""

MORE: Final = "more refusals than are recorded one by one"
"""The reason of a record that stands for several."""


class Refusals:
    """Counts refusals. ``clock`` gives seconds and never goes back. All methods are called from the loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._recorded: dict[str, int] = {}
        self._all = 0
        self._more: dict[str, Refusal] = {}

    def take(self, refusal: Refusal, peer_host: str) -> list[Refusal]:
        """The records that a refusal of a client makes now: itself perhaps, and those of a period before."""
        records = self.due()
        network = network_of(peer_host)
        if self._clock() >= self._until:
            self._until = self._clock() + PERIOD_S
            self._recorded, self._all = {}, 0
        count = self._recorded.get(network, 0)
        known = network in self._recorded or len(self._recorded) < OF_ALL
        if known and count < OF_A_NETWORK and self._all < OF_ALL:
            self._recorded[network] = count + 1
            self._all += 1
            records.append(refusal)
        else:
            self._count(refusal, network)
        return records

    def due(self, *, all_of_them: bool = False) -> list[Refusal]:
        """The records of what was counted in a period that is over, or until now."""
        if not self._more or (self._clock() < self._until and not all_of_them):
            return []
        records, self._more = list(self._more.values()), {}
        return records

    @property
    def due_in_s(self) -> float | None:
        """Seconds until some records are due; ``None`` where nothing was counted."""
        return max(0.0, self._until - self._clock()) if self._more else None

    def _count(self, refusal: Refusal, network: str) -> None:
        if network not in self._more and len(self._more) >= MOST_NETWORKS:
            network = ""
        known = self._more.get(network)
        if known is not None:
            known.count += 1
            known.at = refusal.at
            return
        self._more[network] = Refusal(
            at=refusal.at,
            action=refusal.action,
            path=None,
            protocol=refusal.protocol,
            client=None,
            network=refusal.network if network else None,
            status=refusal.status,
            reason=MORE,
        )
