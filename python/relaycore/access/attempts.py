"""Slows down who guesses passwords.

Each account and each network (a /24 of IPv4, a /64 of IPv6, where one host has all the rest) has a few wrong
attempts; after them it has to wait, each time twice as long. An attempt is taken *before* the password is
looked at and given back when it was right, so attempts at the same time, on however many connections, get no
more than attempts one after the other.

Somebody who guesses must not keep the owner of an account out: a network from which the account has logged in
before has attempts of its own for it, which only attempts from there use up. These count for the account and
the network, too, so that one account of one's own gives no further attempts at those of others.

All tables are bounded. Names that nobody has are counted in a table of their own, so that making names up
makes nobody forget the attempts at real ones.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Attempt", "Attempts", "network_of"]

ALLOWED = 5
"""Wrong passwords before an account or a network has to wait."""

FIRST_PAUSE_S = 2.0
"""Seconds of the first wait; each further one is twice as long."""

LONGEST_PAUSE_S = 900.0
"""Seconds that nobody waits longer than."""

FORGIVEN_AFTER_S = 600.0
"""Seconds without a wrong password after which one is forgiven."""

REMEMBERED = 4096
"""Entries in each table. The one that was heard of longest ago is forgotten first."""

LONGEST_NAME = 65
"""Characters of a name that are kept; one more than names of users have."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password may be looked at. It counts as wrong until :meth:`Attempts.right` takes it back."""

    account: str
    network: str
    known: bool


class Attempts:
    """Counts wrong passwords. ``clock`` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = _Budget(clock)
        self._made_up = _Budget(clock)
        self._networks = _Budget(clock)
        self._homes = _Budget(clock)
        # Accounts and networks that a right password came from.
        self._trusted: OrderedDict[str, None] = OrderedDict()

    def take(self, account: str, client: str, *, known: bool) -> Attempt | float:
        """Takes an attempt at an account for a client's address, or gives the seconds until there is one.

        ``known`` says whether there is such an account.
        """
        # A name that is too long is nobody's: what is kept of it need not be more than that.
        attempt = Attempt(account[:LONGEST_NAME], network_of(client), known)
        wait_s = max(budget.wait_s(key) for budget, key in self._deciding(attempt))
        if wait_s > 0:
            return wait_s
        for budget, key in self._counting(attempt):
            budget.count(key)
        return attempt

    def give_back(self, attempt: Attempt) -> None:
        """Nobody has looked at the password."""
        for budget, key in self._counting(attempt):
            budget.give_back(key)

    def right(self, attempt: Attempt) -> None:
        """The password was right: the attempt is given back, and the account is at home in that network."""
        self.give_back(attempt)
        home = _home(attempt)
        self._homes.forget(home)
        self._trusted[home] = None
        self._trusted.move_to_end(home)
        if len(self._trusted) > REMEMBERED:
            self._trusted.popitem(last=False)

    def _deciding(self, attempt: Attempt) -> list[tuple[_Budget, str]]:
        home = _home(attempt)
        return [(self._homes, home)] if home in self._trusted else self._common(attempt)

    def _counting(self, attempt: Attempt) -> list[tuple[_Budget, str]]:
        return [*self._common(attempt), (self._homes, _home(attempt))]

    def _common(self, attempt: Attempt) -> list[tuple[_Budget, str]]:
        accounts = self._accounts if attempt.known else self._made_up
        return [(accounts, attempt.account), (self._networks, attempt.network)]


class _Budget:
    """Wrong attempts by key: how many, when the last one was, and until when to wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, tuple[int, float, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        _, _, until = self._entries.get(key, (0, 0.0, 0.0))
        return max(0.0, until - self._clock())

    def count(self, key: str) -> None:
        self._set(key, self._wrong(key) + 1)

    def give_back(self, key: str) -> None:
        if key in self._entries:
            self._set(key, max(0, self._wrong(key) - 1))

    def forget(self, key: str) -> None:
        self._entries.pop(key, None)

    def _wrong(self, key: str) -> int:
        """Wrong attempts that are not forgiven yet."""
        wrong, last, _ = self._entries.get(key, (0, 0.0, 0.0))
        return max(0, wrong - int((self._clock() - last) / FORGIVEN_AFTER_S))

    def _set(self, key: str, wrong: int) -> None:
        now = self._clock()
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(wrong - ALLOWED, 32), LONGEST_PAUSE_S)
        self._entries[key] = (wrong, now, now + pause_s if wrong >= ALLOWED else 0.0)
        self._entries.move_to_end(key)
        if len(self._entries) > REMEMBERED:
            self._entries.popitem(last=False)


def network_of(client: str) -> str:
    """The network of an address: its /24, or its /64 for IPv6; what is no address is one by itself."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    length = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network((address, length), strict=False))


def _home(attempt: Attempt) -> str:
    return f"{attempt.network} {attempt.account}"
