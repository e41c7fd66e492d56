"""The settings of the relay as a camera of ONVIF."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["OnvifSettings"]


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
