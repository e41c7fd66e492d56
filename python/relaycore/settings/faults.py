"""What is made to go wrong with a stream that shows another one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["Faults"]


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is made to go wrong with a mirror, so that players and recorders can be tested."""

    loss: Annotated[float, Meta(ge=0, le=1, description="a share from 0 to 1", examples=[0.02])] = 0.0
    """Share of the packets that are lost, from 0 to 1."""

    jitter: Annotated[
        float, Meta(ge=0, le=10, description="a number of seconds up to 10", examples=[0.05])
    ] = 0.0
    """Seconds by up to which packets are late, 10 at most. They keep their order."""

    frozen: Switch = False
    """Nothing comes any more, and sessions go on."""

    clock_offset: Annotated[
        float, Meta(ge=-3.2e9, le=3.2e9, description="a number of seconds", examples=[3600])
    ] = 0.0
    """Seconds that its clock is ahead of the right one, negative where it is behind: in sender reports, in
    the time that it tells by ONVIF, and in how old it takes a WS-UsernameToken to be."""

    refused: Switch = False
    """It refuses every login: over RTSP and HTTP with 401, a token of ONVIF by a fault. Who reads goes on."""
