"""The addresses of this machine, and the URLs made of them."""

from __future__ import annotations

import ipaddress
import socket

__all__ = ["is_loopback", "is_wildcard", "reachable_addresses", "url_host"]

# Addresses for documentation (RFC 5737, RFC 3849): connecting a datagram socket sends nothing, and tells
# which address of this machine the packets would have.
_FAR_IPV4 = ("192.0.2.1", 9)
_FAR_IPV6 = ("2001:db8::1", 9)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach the address."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_wildcard(host: str) -> bool:
    """Whether listening on the address means listening on all addresses."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def reachable_addresses(host: str) -> list[str]:
    """The addresses that reach a listener on ``host``, the best for other machines first."""
    if not is_wildcard(host):
        return [host]
    families = [(socket.AF_INET, _FAR_IPV4)]
    if ":" in host:
        families.append((socket.AF_INET6, _FAR_IPV6))
    found: list[str] = []
    for family, far in families:
        found.extend(_route_source(family, far))
        found.extend(_of_the_host_name(family))
    usable = [address for address in dict.fromkeys(found) if not is_loopback(address)]
    return [*usable, "127.0.0.1"]


def url_host(address: str) -> str:
    """An address as it stands in a URL: IPv6 in brackets (RFC 3986 section 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def _route_source(family: socket.AddressFamily, far: tuple[str, int]) -> list[str]:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(far)
            return [str(probe.getsockname()[0])]
    except OSError:
        return []


def _of_the_host_name(family: socket.AddressFamily) -> list[str]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, family, socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in found if "%" not in str(entry[4][0])]
