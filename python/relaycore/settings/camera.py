"""The settings of a camera."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from relaycore.settings.masks import MASKS_MAX, MaskSettings, check_count
from relaycore.settings.motion import MotionSettings
from relaycore.settings.values import (
    BitRate,
    Encoder,
    GopSeconds,
    JoinPolicy,
    PixelRange,
    Size,
    parse_bitrate,
    parse_size,
)

__all__ = ["CameraSettings"]


class CameraSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wished of one camera. Whatever is not set is chosen from what the device can do."""

    camera: Annotated[
        str | None,
        Meta(
            description="the name or device of a camera, `pattern`, a media file, or `lavfi:` and a graph",
            examples=["/dev/video0"],
        ),
    ] = None
    """Name, device path, ``pattern``, a media file, or ``lavfi:GRAPH``; ``None`` takes the first camera, and
    the pattern where there is none."""

    microphone: Annotated[
        str | None,
        Meta(description="the name or device of a microphone, `auto` or `none`", examples=["auto"]),
    ] = None
    """Name or device of a microphone, ``auto`` for the first one, ``none`` for no sound at all; ``None``
    takes the sound that the source itself has (a file, the pattern) and opens no microphone."""

    size: Size | None = None
    """``WIDTHxHEIGHT`` in pixels; ``None`` takes the best size up to 1920x1080."""

    fps: (
        Annotated[float, Meta(gt=0, le=240, description="pictures per second, up to 240", examples=[30])]
        | None
    ) = None
    """Pictures per second; ``None`` takes 30 or what comes next to it."""

    encoder: Encoder = "auto"
    """``auto`` tries the hardware and falls back to libx264, ``copy`` sends on what the camera gives, any
    other value is the name of an encoder of FFmpeg."""

    bitrate: BitRate | None = None
    """Bits per second, as a number or as ``800k`` or ``2M``; ``None`` follows from size and frame rate."""

    gop_seconds: GopSeconds = 1.0
    """Seconds from one random access point to the next, when no reader asks for one earlier."""

    pixel_range: Annotated[PixelRange, Meta(description="`full` or `limited`", examples=["limited"])] = (
        msgspec.field(default="full", name="range")
    )
    """``full`` keeps the range of the camera, ``limited`` converts to 16-235 for recorders that ignore the
    flag. The configuration calls it ``range``."""

    join: JoinPolicy = "squeeze"
    """How readers start."""

    sub: Annotated[bool, Meta(description="true or false", examples=[True])] = False
    """Whether the second, smaller rendition at PATH/sub is made all the time. Otherwise it is made while
    somebody reads it."""

    masks: Annotated[
        list[MaskSettings],
        Meta(
            description=f"a list of up to {MASKS_MAX} tables, each with a rectangle or a polygon",
            extra={"check": check_count},
        ),
    ] = msgspec.field(default_factory=list)
    """Parts of the picture that nobody is to see: painted over before it is encoded. What the camera has
    encoded itself is then decoded first, and never sent on as it is."""

    motion: Annotated[MotionSettings, Meta(description="a [cameras.PATH.motion] table")] | None = None
    """What counts as motion, and from when pictures are too dark. With the table pictures are looked at all
    the time, without it while somebody wants to know."""

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """``size`` as width and height in pixels. ConfigurationError when it cannot be read."""
        return None if self.size is None else parse_size(self.size)

    @property
    def bits_per_second(self) -> int | None:
        """``bitrate`` as a number. ConfigurationError when it cannot be read."""
        return None if self.bitrate is None else parse_bitrate(self.bitrate)
