"""Rules of ONVIF's web services, in the order in which they are checked."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Rule
from relaycore.doctor.rules.onvif import (
    device,
    discovery,
    encoders,
    events,
    imaging,
    login,
    media2,
    messages,
    profiles,
    ptz,
    snapshot,
    streams,
    topics,
)

__all__ = ["RULES"]

RULES: Final[tuple[Rule, ...]] = (
    *discovery.RULES,
    *login.RULES,
    *messages.RULES,
    *device.RULES,
    *profiles.RULES,
    *encoders.RULES,
    *streams.RULES,
    *snapshot.RULES,
    *media2.RULES,
    *imaging.RULES,
    *ptz.RULES,
    *events.RULES,
    *topics.RULES,
)
