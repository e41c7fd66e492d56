"""Slows down who tries passwords.

Each address has a few attempts, which come back with time. The table is bounded: when it is full, the address
that was heard of longest ago is forgotten.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Attempts"]

ALLOWED = 10
"""Wrong passwords before an address has to wait."""

REGAIN_S = 6.0
"""Seconds until one more attempt is allowed."""

REMEMBERED = 4096
"""Addresses in the table."""


class Attempts:
    """Counts the wrong passwords of each address. ``clock`` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When each address will have all its attempts again, in seconds.
        self._clear_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Seconds until this address may try a password again; 0 when it may now."""
        clear_at = self._clear_at.get(_network(client), 0.0)
        return max(0.0, clear_at - self._clock() - (ALLOWED - 1) * REGAIN_S)

    def failed(self, client: str) -> None:
        """Takes note of a wrong password."""
        network = _network(client)
        now = self._clock()
        self._clear_at[network] = max(self._clear_at.get(network, 0.0), now) + REGAIN_S
        self._clear_at.move_to_end(network)
        if len(self._clear_at) > REMEMBERED:
            self._clear_at.popitem(last=False)


def _network(client: str) -> str:
    """The address, or its first 64 bits for IPv6, where one host has all the rest."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
