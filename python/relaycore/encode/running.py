"""What is told and asked of an encoder that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from relaycore.encode.video import VideoFormat
from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = [
    "EncoderOptions",
    "EncoderState",
    "EncoderWish",
    "even_size",
    "options_of",
    "profile_name",
    "wished",
]

BITRATES: Final = (64_000, 50_000_000)
"""Bits per second that an encoder may be set to."""

GOP_SECONDS: Final = (0.1, 60.0)
"""Seconds from one random access point to the next that it may be set to."""

LEAST_FPS: Final = 1.0

_SHARES: Final = ((1, 1), (3, 4), (2, 3), (1, 2), (1, 3), (1, 4))
"""Sizes that are offered, as parts of the largest one."""

_LEAST_WIDTH: Final = 160

_PROFILES: Final = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High"}
"""By profile_idc (H.264 Annex A.2)."""


@dataclass(frozen=True, slots=True)
class EncoderState:
    """How pictures are encoded at this moment.

    ``encoding`` is ``h264`` or ``jpeg``, ``profile`` that of H.264 where it is known. ``bitrate`` is in bits
    per second, ``gop_seconds`` from one random access point to the next when nobody asks for one earlier;
    both are 0 where the camera encodes and does not say. ``fixed``: nothing of it can be changed.
    """

    encoding: str
    profile: str | None
    width: int
    height: int
    fps: float
    bitrate: int
    gop_seconds: float
    fixed: bool


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What a running encoder can be changed to; the ranges include both ends.

    ``sizes`` are width and height in pixels, the largest first, all of the camera's own aspect.
    """

    sizes: tuple[tuple[int, int], ...]
    fps: tuple[float, float]
    bitrate: tuple[int, int]
    gop_seconds: tuple[float, float]
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncoderWish:
    """What is to be changed of an encoder; ``None`` leaves it as it is."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate: int | None = None
    gop_seconds: float | None = None


def profile_name(idc: int) -> str | None:
    """The name of a profile of H.264."""
    return _PROFILES.get(idc)


def even_size(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    """The largest even size of the same aspect that fits, and is not larger than it was."""
    share = min(1.0, most_width / width, most_height / height)
    return max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2)


def options_of(width: int, height: int, fps: float, profiles: Sequence[str]) -> EncoderOptions:
    """What is offered for pictures of at most this size and rate."""
    sizes: list[tuple[int, int]] = []
    for above, below in _SHARES:
        size = even_size(width, height, width * above // below, height * above // below)
        if size not in sizes and (not sizes or size[0] >= _LEAST_WIDTH):
            sizes.append(size)
    return EncoderOptions(tuple(sizes), (min(LEAST_FPS, fps), fps), BITRATES, GOP_SECONDS, tuple(profiles))


def wished(form: VideoFormat, wish: EncoderWish, options: EncoderOptions) -> VideoFormat:
    """A format with what is wished. ConfigurationError when that is none of the options."""
    width = form.width if wish.width is None else wish.width
    height = form.height if wish.height is None else wish.height
    if (width, height) != (form.width, form.height) and (width, height) not in options.sizes:
        sizes = ", ".join(f"{across}x{down}" for across, down in options.sizes)
        raise ConfigurationError(
            Message(
                "The encoder cannot be set to {width}x{height}: take one of {sizes}.",
                width=width,
                height=height,
                sizes=sizes,
            )
        )
    fps = _inside("fps", form.fps, wish.fps, options.fps)
    bitrate = _inside("bitrate", form.bitrate, wish.bitrate, options.bitrate)
    gop = _inside("gop_seconds", form.gop, wish.gop_seconds, options.gop_seconds)
    return replace(form, width=width, height=height, fps=fps, bitrate=int(bitrate), gop=gop)


def _inside(name: str, now: float, wish: float | None, limits: tuple[float, float]) -> float:
    if wish is None:
        return now
    least, most = limits
    if not least <= wish <= most:
        raise ConfigurationError(
            Message(
                "The encoder's {name} goes from {least} to {most}: {wish} does not.",
                name=name,
                least=f"{least:g}",
                most=f"{most:g}",
                wish=f"{wish:g}",
            )
        )
    return wish
