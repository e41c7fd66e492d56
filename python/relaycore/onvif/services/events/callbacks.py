"""Where somebody may be called back, so that nobody makes the relay ask what they cannot reach themselves.

A callback goes to whoever asked for it, or to a network that the settings name. The name in it is resolved
once, and what it meant then is what is connected to: a name that means something else a moment later leads
nowhere. Nothing is sent to this machine, to addresses that mean a link or a group, or to those where clouds
keep secrets.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from relaycore._relaycore import interface_addresses
from relaycore.addresses import reachable_addresses
from relaycore.onvif.services.events.errors import BadCallback
from relaycore.settings.access import parse_network

__all__ = ["Address", "Callback", "check_address", "resolve_callback"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST: Final = 512
"""Characters of an address of a callback."""

RESOLVE_S: Final = 3.0
"""Seconds that a name gets to be resolved."""

METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Where machines of clouds ask for what only they may know."""

_EMBEDDING: Final = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""Networks of IPv6 whose addresses mean others of IPv4 (RFC 6052, RFC 8215, RFC 3056, RFC 4380)."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Where to call: the URL as it was given, and the address that it means."""

    url: str
    host: str
    address: str
    is_elsewhere: bool = False
    """Whether it is not where the request came from, but in a network that the settings name."""

    def may_go_on(self, networks: Iterable[str]) -> bool:
        """Whether these networks of the settings still allow it."""
        return not self.is_elsewhere or _is_in(ipaddress.ip_address(self.address), networks)


async def resolve_callback(
    url: str, subscriber: str, networks: Collection[str] = (), *, listens_on: str = "::"
) -> Callback:
    """The callback of whoever has the address ``subscriber``. BadCallback where nobody is called there.

    ``networks`` are those that are allowed beside the subscriber, ``listens_on`` the relay's own address.
    """
    parts = _parts(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = [_address_of(text) for text in await _resolve(host, port)]
    own = await asyncio.to_thread(_own_addresses, listens_on)
    for address in addresses:
        check_address(address, subscriber, networks, own)
    if not addresses:
        raise BadCallback("The host of the callback cannot be found.")
    return Callback(url, host, str(addresses[0]), is_elsewhere=addresses[0] != _address_of(subscriber))


def check_address(
    address: Address, subscriber: str, networks: Collection[str], own: Collection[Address]
) -> None:
    """BadCallback where nobody is called at an address."""
    embeds = any(address.version == network.version and address in network for network in _EMBEDDING)
    forbidden = (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or embeds
        or address in METADATA
        or address in own
    )
    if forbidden:
        raise BadCallback("Nobody is called back at an address of this kind.")
    if address != _address_of(subscriber) and not _is_in(address, networks):
        raise BadCallback(
            "Who subscribes is called back at the address that the request came from, or in networks that "
            "the settings name."
        )


def _parts(url: str) -> _Split:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if (
        not right
        or len(url) > LONGEST
        or parts.username is not None
        or any(not "!" <= letter <= "~" for letter in url)
    ):
        raise BadCallback("The address of the callback is not an HTTP URL.")
    return _Split(parts.scheme, parts.hostname, parts.port)


@dataclass(frozen=True, slots=True)
class _Split:
    scheme: str
    hostname: str | None
    port: int | None


async def _resolve(host: str, port: int) -> list[str]:
    """The addresses that a name means."""
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise BadCallback("The host of the callback cannot be found.") from None
    return [str(entry[4][0]) for entry in found]


def _address_of(text: str) -> Address:
    return _plain(ipaddress.ip_address(text.partition("%")[0]))


def _is_in(address: Address, networks: Iterable[str]) -> bool:
    found = map(parse_network, networks)
    return any(address.version == network.version and address in network for network in found)


def _plain(address: Address) -> Address:
    """An address of IPv4 that is written as one of IPv6 is the same."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _own_addresses(listens_on: str) -> Sequence[Address]:
    """All addresses of this machine, also those that the relay does not listen on."""
    own: list[Address] = []
    with suppress(OSError):
        own += [_plain(address) for _, _, address, _ in interface_addresses()]
    for text in (listens_on, *reachable_addresses(listens_on)):
        with suppress(ValueError):  # a name
            own.append(_address_of(text))
    return own
