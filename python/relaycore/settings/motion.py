"""The settings of what is found in the pictures of a camera: motion, another scene, darkness."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.values import Switch

__all__ = ["MotionSettings"]


class MotionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as motion in the picture of a camera, and from when it is too dark."""

    enabled: Switch = True
    """Look at the pictures all the time. Without the table they are looked at while somebody wants to know,
    with ``false`` never."""

    columns: Annotated[
        int, Meta(ge=1, le=40, description="a number of cells, from 1 to 40", examples=[16])
    ] = 16
    """Cells of the picture side by side."""

    rows: Annotated[int, Meta(ge=1, le=22, description="a number of cells, from 1 to 22", examples=[9])] = 9
    """Cells of the picture one above the other."""

    sensitivity: Annotated[int, Meta(ge=1, le=100, description="a number from 1 to 100", examples=[50])] = 50
    """How little has to change: 1 takes black before white, 100 whatever is more than noise."""

    cells: Annotated[
        int, Meta(ge=1, le=880, description="a number of cells, from 1 to 880", examples=[2])
    ] = 1
    """Cells that have to move at the same time."""

    hold_seconds: Annotated[
        float, Meta(ge=0.5, le=60, description="a number of seconds, from 0.5 to 60", examples=[2.0])
    ] = 2.0
    """Seconds without motion after which there is none any more."""

    dark_level: Annotated[
        int, Meta(ge=1, le=120, description="a brightness from 1 to 120, of 255", examples=[20])
    ] = 20
    """A picture that is darker on average is too dark."""
