"""The settings of a relay and of its cameras, as types.

The same types serve a program that embeds relaycore and the configuration file. The ``description`` and
``examples`` of a field are what a person is shown when its value is wrong; ``check`` is a function that
raises ConfigurationError for a value which has the right type and no meaning; a ``secret`` value is not
shown.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError

__all__ = [
    "DEFAULT_PATH",
    "DEFAULT_PORT",
    "BitRate",
    "CameraSettings",
    "Config",
    "Join",
    "Limit",
    "PixelRange",
    "Size",
    "User",
    "normal_path",
    "parse_bitrate",
    "parse_size",
]

DEFAULT_PORT: Final = 8554
"""The port that servers use for RTSP without the rights that 554 needs."""

DEFAULT_PATH: Final = "cam"
"""Path of the camera that is served when no other path is named."""

LARGEST_SIDE: Final = 16_384
"""Pixels; no H.264 level reaches further."""

BITRATES: Final = range(16_000, 400_000_001)
"""Bits per second that may be asked of an encoder."""

_SIZE = re.compile(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})")
_BITRATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmM]?)")
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*")


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of ``WIDTHxHEIGHT``, in pixels.

    ConfigurationError when it is not of that form or larger than H.264 allows.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is not None:
        width, height = int(match[1]), int(match[2])
        if max(width, height) <= LARGEST_SIDE:
            return width, height
    raise ConfigurationError(f"{text!r} is not a size: write width and height in pixels, like 1280x720.")


def parse_bitrate(value: str | int) -> int:
    """Bits per second of a number, or of digits with ``k`` or ``M``.

    ConfigurationError when it is not of that form or out of range.
    """
    match = _BITRATE.fullmatch(str(value).strip())
    if match is not None:
        factor = {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()]
        bits = round(float(match[1]) * factor)
        if bits in BITRATES:
            return bits
    raise ConfigurationError(
        f"{str(value)!r} is not a bit rate: write bits per second from 16k to 400M, like 800k or 2M."
    )


Limit = Annotated[int, Meta(ge=0, description="a whole number", examples=[10_000])]

Join = Literal["squeeze", "wait", "raw"]
"""How a reader starts: at once with the cached pictures, at the next random access point, or with what
comes."""

PixelRange = Literal["full", "limited"]
"""Luma of 0 to 255 as JPEG has it, or of 16 to 235 as television has it."""

Size = Annotated[
    str,
    Meta(description="a size in pixels, WIDTHxHEIGHT", examples=["1280x720"], extra={"check": parse_size}),
]
BitRate = Annotated[
    str | int,
    Meta(
        description="bits per second from 16k to 400M, with k or M for thousands and millions",
        examples=["2M"],
        extra={"check": parse_bitrate},
    ),
]


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

    encoder: Annotated[
        str,
        Meta(min_length=1, description="`auto`, `copy` or the name of an encoder", examples=["libx264"]),
    ] = "auto"
    """``auto`` tries the hardware and falls back to libx264, ``copy`` sends on what the camera gives, any
    other value is the name of an encoder of FFmpeg."""

    bitrate: BitRate | None = None
    """Bits per second, as a number or as ``800k`` or ``2M``; ``None`` follows from size and frame rate."""

    gop_seconds: Annotated[
        float, Meta(ge=0.1, le=60, description="seconds between key frames, from 0.1 to 60", examples=[1.0])
    ] = 1.0
    """Seconds from one random access point to the next, when no reader asks for one earlier."""

    pixel_range: Annotated[PixelRange, Meta(description="`full` or `limited`", examples=["limited"])] = (
        msgspec.field(default="full", name="range")
    )
    """``full`` keeps the range of the camera, ``limited`` converts to 16-235 for recorders that ignore the
    flag. The configuration calls it ``range``."""

    join: Annotated[Join, Meta(description="`squeeze`, `wait` or `raw`", examples=["squeeze"])] = "squeeze"
    """How readers start."""

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """``size`` as width and height in pixels. ConfigurationError when it cannot be read."""
        return None if self.size is None else parse_size(self.size)

    @property
    def bits_per_second(self) -> int | None:
        """``bitrate`` as a number. ConfigurationError when it cannot be read."""
        return None if self.bitrate is None else parse_bitrate(self.bitrate)


class User(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may read. The password is never shown: not in a log, not in ``repr``."""

    name: Annotated[
        str,
        Meta(
            pattern=r'^[^\x00-\x1f\x7f:"\\]{1,64}$',
            description="1 to 64 characters without colon, quote and backslash",
            examples=["anna"],
        ),
    ]
    password: Annotated[
        str,
        Meta(
            pattern=r"^[^\x00-\x1f\x7f]{1,256}$",
            description="1 to 256 characters on one line",
            examples=["a long sentence"],
            extra={"secret": True},
        ),
    ]

    def __repr__(self) -> str:
        return f"User(name={self.name!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("name", self.name)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one relay."""

    host: Annotated[
        str,
        Meta(min_length=1, description="an address or a host name of this machine", examples=["127.0.0.1"]),
    ] = "127.0.0.1"
    """Address to listen on. Anything but loopback needs users."""

    port: Annotated[
        int,
        Meta(ge=0, le=65_535, description="a port from 1 to 65535, or 0 for any free one", examples=[8554]),
    ] = DEFAULT_PORT
    """Port to listen on; 0 takes a free one."""

    lan: Annotated[bool, Meta(description="true or false", examples=[True])] = False
    """Listen on all addresses instead of ``host``."""

    anonymous: Annotated[bool, Meta(description="true or false", examples=[False])] = False
    """Let everybody read who reaches the port, even from the network. Without this, a relay that has users
    asks for one of them, and a relay that listens to the network must have users."""

    basic: Annotated[bool, Meta(description="true or false", examples=[False])] = False
    """Offer Basic authentication beside Digest. It sends passwords readable over the network, so only for
    clients that know nothing else."""

    users: Annotated[list[User], Meta(description="[[users]] tables with name and password")] = msgspec.field(
        default_factory=list
    )
    """Who may read."""

    cameras: Annotated[
        dict[str, CameraSettings], Meta(description="[cameras.PATH] tables, one for each camera")
    ] = msgspec.field(default_factory=dict)
    """The cameras, by path."""

    limits: Annotated[dict[str, Limit], Meta(description="a [limits] table of whole numbers")] = (
        msgspec.field(default_factory=dict)
    )
    """Bounds of the engine that differ from their defaults."""

    shards: Annotated[
        int, Meta(ge=0, le=1024, description="a number of threads, or 0 for one a core", examples=[0])
    ] = 0
    """Threads that carry packets; 0 takes one for each core."""

    log_json: Annotated[bool, Meta(description="true or false", examples=[True])] = False
    """Log as JSON, one object a line. Only for the command line program: a library does not configure
    logs."""

    trace_latency: Annotated[bool, Meta(description="true or false", examples=[True])] = False
    """Print how long pictures spend in each stage. Only for the command line program."""

    qr: Annotated[bool, Meta(description="true or false", examples=[False])] = True
    """Show a QR code of the address at the start. Only for the command line program."""


def normal_path(text: str) -> str:
    """The path as the engine knows it: without the slashes around it.

    ConfigurationError when it is malformed.
    """
    path = text.strip("/")
    if len(path) <= 255 and _PATH.fullmatch(path):
        return path
    raise ConfigurationError(
        f"{text!r} is not a path: use letters, digits, '-', '_' and '.', with '/' between parts, "
        "like cam or house/front."
    )
