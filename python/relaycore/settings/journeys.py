"""The settings of journeys: whether attempts to view are counted, and for how long."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["JourneySettings"]


class JourneySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether it is counted how far attempts to view come. The counts are kept in the state folder."""

    enabled: Switch = True
    """Count, where there is a state folder."""

    keep_days: Annotated[
        int,
        Meta(ge=0, le=36_500, description="a number of days up to 36500, or 0 for ever", examples=[90]),
    ] = 400
    """Days after which counts are deleted; 0 keeps them for ever."""
