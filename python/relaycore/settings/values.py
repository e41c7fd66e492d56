"""Values that settings have in common: paths, sizes, bit rates, choices of words."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = [
    "DEFAULT_PATH",
    "DEFAULT_PORT",
    "BitRate",
    "Encoder",
    "GopSeconds",
    "Join",
    "JoinPolicy",
    "Limit",
    "PixelRange",
    "Size",
    "Switch",
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
    raise ConfigurationError(
        Message("{text} is not a size: write width and height in pixels, like 1280x720.", text=repr(text))
    )


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
        Message(
            "{value} is not a bit rate: write bits per second from 16k to 400M, like 800k or 2M.",
            value=repr(str(value)),
        )
    )


def normal_path(text: str) -> str:
    """The path as the engine knows it: without the slashes around it.

    ConfigurationError when it is malformed.
    """
    path = text.strip("/")
    if len(path) <= 255 and _PATH.fullmatch(path):
        return path
    raise ConfigurationError(
        Message(
            "{text} is not a path: use letters, digits, '-', '_' and '.', with '/' between parts, "
            "like cam or house/front.",
            text=repr(text),
        )
    )


Switch = Annotated[bool, Meta(description="true or false", examples=[True])]

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
Encoder = Annotated[
    str,
    Meta(min_length=1, description="`auto`, `copy` or the name of an encoder", examples=["libx264"]),
]
GopSeconds = Annotated[
    float, Meta(ge=0.1, le=60, description="seconds between key frames, from 0.1 to 60", examples=[1.0])
]
JoinPolicy = Annotated[Join, Meta(description="`squeeze`, `wait` or `raw`", examples=["squeeze"])]
