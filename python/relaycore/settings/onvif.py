"""The settings of the relay as a camera of ONVIF."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.access import parse_network
from relaycore.settings.values import Switch

__all__ = ["OnvifSettings", "check_onvif"]


def _check_callback_network(text: str) -> None:
    network = parse_network(text)
    if (
        network.is_loopback
        or network.is_link_local
        or network.is_multicast
        or network.is_reserved
        or network.is_unspecified
    ):
        raise ConfigurationError(
            Message(
                "Nobody is called back in {text}: those addresses are of this machine, of a link, of a group "
                "or reserved.",
                text=repr(text),
            )
        )


CallbackNetwork = Annotated[
    str,
    Meta(
        description="a network or an address of IPv4 or IPv6, not of this machine, a link or a group",
        examples=["192.168.1.0/24"],
        extra={"check": _check_callback_network},
    ),
]


class OnvifSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How programs that look for cameras of ONVIF find the relay."""

    enabled: Switch = True
    """Answer requests of ONVIF, on the same port."""

    discovery: Switch = True
    """Let cameras be found on the networks that the relay listens to; never where it listens to loopback
    only."""

    devices: Annotated[Literal["one", "each"], Meta(description="`one` or `each`", examples=["each"])] = "one"
    """What is found: one device with all cameras, or one for each camera, for recorders that want it so."""

    name: Annotated[
        str, Meta(min_length=1, max_length=64, description="a name of up to 64 characters", examples=["Hall"])
    ] = "relaycore"
    """Name of the device."""

    location: Annotated[
        str, Meta(max_length=64, description="a place of up to 64 characters", examples=["Berlin"])
    ] = ""
    """Where it is."""

    hardware: Annotated[
        str,
        Meta(min_length=1, max_length=64, description="a name of up to 64 characters", examples=["laptop"]),
    ] = "relaycore"
    """What it is called as hardware."""

    callbacks: Annotated[
        list[CallbackNetwork], Meta(description="a list of networks", examples=[["192.168.1.0/24"]])
    ] = msgspec.field(default_factory=list)
    """Where subscribers of events may have others called back; left out, each at its own address only."""


def check_onvif(settings: OnvifSettings) -> None:
    """ConfigurationError where what a program has set is not right."""
    for network in settings.callbacks:
        _check_callback_network(network)
