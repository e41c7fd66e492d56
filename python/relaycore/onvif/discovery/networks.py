"""The networks of this machine, and by which address it is reached in each."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from relaycore._relaycore import interface_addresses
from relaycore.addresses import is_wildcard

__all__ = ["Address", "Interface", "find_interfaces", "interface_of"]

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface with those of its addresses that somebody listens on."""

    name: str
    index: int
    addresses: tuple[tuple[Address, int], ...]
    """Each with the number of bits that its network shares; those of IPv4 first."""

    reached_at: tuple[Address, ...]
    """The addresses among them by which the relay is reached."""

    def is_near(self, address: Address) -> bool:
        """Whether the address is one of this network, without a router between."""
        return any(
            address.version == own.version and address in ipaddress.ip_network((own, prefix), strict=False)
            for own, prefix in self.addresses
        )

    def own_for(self, source: Address) -> tuple[Address, ...]:
        """The addresses to give to who asks from ``source``: those of its own network where there are any."""
        near = tuple(
            own
            for own, prefix in self.addresses
            if own in self.reached_at
            and own.version == source.version
            and source in ipaddress.ip_network((own, prefix), strict=False)
        )
        return near or self.reached_at


def find_interfaces(host: str) -> list[Interface]:
    """The interfaces, without loopback, by which a listener on ``host`` is reached. OSError."""
    found: dict[tuple[str, int], list[tuple[Address, int]]] = {}
    for name, index, address, prefix in interface_addresses():
        if not address.is_loopback:
            found.setdefault((name, index), []).append((address, prefix))
    interfaces = []
    for (name, index), addresses in found.items():
        addresses.sort(key=lambda one: (one[0].version, one[0].is_link_local, one[0]))
        reached = tuple(address for address, _ in addresses if _is_reached(address, host))
        if reached:
            interfaces.append(Interface(name, index, tuple(addresses), reached))
    return interfaces


def interface_of(interfaces: list[Interface], source: Address, scope: int) -> Interface | None:
    """The interface that a datagram came by: ``scope`` is the number of it that IPv6 tells, or 0."""
    for interface in interfaces:
        if scope in (0, interface.index) and interface.is_near(source):
            return interface
    return None


def _is_reached(address: Address, host: str) -> bool:
    if is_wildcard(host):
        return address.version == 4 or ":" in host
    try:
        return address == ipaddress.ip_address(host)
    except ValueError:
        return False
