"""The H.264 encoders of FFmpeg that relaycore knows, and how each is told to encode live."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

__all__ = ["HARDWARE", "SOFTWARE", "EncoderProfile", "default_bitrate", "lighter", "profile_of"]


@dataclass(frozen=True, slots=True)
class EncoderProfile:
    """An encoder: its name in FFmpeg, the pixel format that it reads, and its options."""

    name: str
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ("linux", "win32", "darwin")

    @property
    def is_for_this_system(self) -> bool:
        """Whether FFmpeg can have it on the system that runs this."""
        return sys.platform in self.platforms


SOFTWARE: Final = EncoderProfile(
    "libx264",
    options={
        "preset": "superfast",
        "tune": "zerolatency",
        "forced-idr": "1",
        "x264-params": "repeat-headers=1:annexb=1:scenecut=0",
    },
)
"""On a webcam's picture superfast costs 1.7 times ultrafast and gains 0.9 dB."""

HARDWARE: Final = (
    EncoderProfile(
        "h264_nvenc",
        options={
            "preset": "p2",
            "tune": "ull",
            "rc": "cbr",
            "zerolatency": "1",
            "delay": "0",
            "forced-idr": "1",
        },
        platforms=("linux", "win32"),
    ),
    EncoderProfile(
        "h264_qsv",
        pixel_format="nv12",
        options={"preset": "veryfast", "async_depth": "1", "forced_idr": "1", "look_ahead": "0"},
        platforms=("linux", "win32"),
    ),
    EncoderProfile(
        "h264_amf",
        pixel_format="nv12",
        options={"usage": "ultralowlatency", "quality": "speed", "forced_idr": "1"},
        platforms=("win32",),
    ),
    EncoderProfile(
        "h264_mf",
        pixel_format="nv12",
        options={"hw_encoding": "1", "scenario": "live_streaming", "rate_control": "cbr"},
        platforms=("win32",),
    ),
    EncoderProfile(
        "h264_videotoolbox",
        pixel_format="nv12",
        options={"realtime": "1", "prio_speed": "1", "allow_sw": "0"},
        platforms=("darwin",),
    ),
    EncoderProfile("h264_v4l2m2m", pixel_format="nv12", platforms=("linux",)),
)
"""Encoders in hardware, in the order in which they are tried."""

_WITHOUT_X264: Final = EncoderProfile(
    "h264_mf", pixel_format="nv12", options={"hw_encoding": "0"}, platforms=("win32",)
)
"""Windows' own encoder, for builds of FFmpeg that have no libx264 (Windows on ARM)."""

LAST_RESORTS: Final = (SOFTWARE, _WITHOUT_X264)
"""Encoders in software, in the order in which they are tried."""


def profile_of(name: str) -> EncoderProfile:
    """The options for an encoder; one that is not known gets none."""
    for profile in (SOFTWARE, *HARDWARE):
        if profile.name == name and profile.is_for_this_system:
            return profile
    return EncoderProfile(name)


def lighter(profile: EncoderProfile) -> EncoderProfile:
    """The same encoder, for a second and smaller picture that is to cost next to nothing."""
    if profile is not SOFTWARE:
        return profile
    parameters = profile.options["x264-params"] + ":dct-decimate=0"
    return replace(profile, options={**profile.options, "preset": "ultrafast", "x264-params": parameters})


def default_bitrate(width: int, height: int, fps: float) -> int:
    """Bits per second that keep a webcam's picture clear: 2 Mbit/s for 1280x720 at 30 frames a second.

    Larger pictures need fewer bits for each pixel, and faster ones fewer for each frame.
    """
    bits = 2_000_000 * (width * height / (1280 * 720)) ** 0.75 * (fps / 30) ** 0.5
    return int(max(150_000, round(bits / 10_000) * 10_000))
