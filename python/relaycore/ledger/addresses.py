"""What is kept of the address of a client."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

from relaycore.settings.ledger import Addresses

__all__ = ["kept_address"]

_KEPT_V4: Final = 24
_KEPT_V6: Final = 48
"""Bits that are kept of a truncated address: of IPv6, the part that a provider gives a customer is left out
(RFC 6177 section 2 has customers get a /48 to /56)."""


def kept_address(peer: str, policy: Addresses) -> str | None:
    """As much as ``policy`` keeps of the address in ``192.0.2.7:5000`` or ``[2001:db8::1]:5000``."""
    if policy == "none":
        return None
    return _kept(peer.rpartition(":")[0].strip("[]") or peer, policy)


@lru_cache(maxsize=1024)
def _kept(host: str, policy: Addresses) -> str | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if policy == "full":
        return str(address)
    kept = _KEPT_V4 if address.version == 4 else _KEPT_V6
    return str(ipaddress.ip_network((address, kept), strict=False))
