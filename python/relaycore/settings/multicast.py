"""The settings of multicast (RFC 2326 section 12.39, RFC 3550 section 11)."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["GROUP_PORTS", "MulticastSettings"]

GROUP_PORTS: Final = 32
"""Ports that a path may use from its first one on: two for each of 16 tracks."""


def _check_group(text: str) -> None:
    try:
        right = ipaddress.ip_address(text).is_multicast
    except ValueError:
        right = False
    if not right:
        raise ConfigurationError(
            Message("{text} is not a multicast address: take one like 239.255.0.1.", text=repr(text))
        )


def _check_port(port: int) -> None:
    if port % 2:
        raise ConfigurationError(Message("The port {port} is odd: RTP takes the even one of two.", port=port))


class MulticastSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the packets of a path go when a reader asks for multicast."""

    group: Annotated[
        str,
        Meta(
            description="a multicast address of IPv4 or IPv6",
            examples=["239.255.0.1"],
            extra={"check": _check_group},
        ),
    ]
    """Multicast address; each path should have another one."""

    port: Annotated[
        int,
        Meta(
            ge=1024,
            le=65_504,
            description="an even port from 1024 to 65504",
            examples=[5004],
            extra={"check": _check_port},
        ),
    ] = 5004
    """Port of RTP of the first track; its RTCP has the next one, the next track the two behind them."""

    ttl: Annotated[int, Meta(ge=1, le=255, description="a number of routers from 1 to 255", examples=[1])] = 1
    """Networks that a packet may cross, counted as time to live; 1 stays in the network of this machine."""

    interface: Annotated[
        str | None,
        Meta(description="an address or a name of an interface of this machine", examples=["192.168.1.5"]),
    ] = None
    """Interface that sends, by its address or name; ``None`` leaves it to the routes of the system."""
