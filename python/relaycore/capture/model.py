"""What a machine has: cameras with their modes, and microphones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

__all__ = [
    "Camera",
    "CameraDriver",
    "Control",
    "ControlName",
    "Devices",
    "Microphone",
    "MicrophoneDriver",
    "Mode",
    "listed_modes",
]

CameraDriver = Literal["v4l2", "dshow", "avfoundation"]
"""FFmpeg's name of the interface through which a camera is opened."""

MicrophoneDriver = Literal["alsa", "dshow", "avfoundation"]
"""FFmpeg's name of the interface through which a microphone is opened."""

ControlName = Literal[
    "brightness",
    "contrast",
    "saturation",
    "sharpness",
    "backlight",
    "exposure_auto",
    "exposure_time",
    "gain_auto",
    "gain",
    "white_balance_auto",
    "red_balance",
    "blue_balance",
    "focus_auto",
    "focus",
]
"""What may be set of a camera itself.

Those that end in ``_auto`` are 1 where the camera chooses by itself, otherwise 0. ``exposure_time`` is in
microseconds; all others are in units of the camera's own, which say nothing but more or less.
"""


@dataclass(frozen=True, slots=True)
class Control:
    """One of them at a moment: its value, and which ones it can have."""

    value: int
    least: int
    most: int
    step: int
    default: int
    changeable: bool = True
    """Whether it can be set, and is not only shown."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a camera can deliver pictures.

    ``format`` is FFmpeg's name of a codec (``mjpeg``, ``h264``) or of a pixel format (``yuyv422``, ``nv12``).
    """

    format: str
    width: int
    height: int
    fps: Fraction

    def __str__(self) -> str:
        return f"{self.format} {self.width}x{self.height} at {float(self.fps):g} fps"


def listed_modes(
    found: Iterable[tuple[str, str, str, str]], as_rate: Callable[[str], Fraction] = Fraction
) -> tuple[Mode, ...]:
    """The modes that a log lists, by format, width, height and rate, each once, without those that are none.

    ``as_rate`` reads a rate; ValueError says that it is none.
    """
    modes: dict[Mode, None] = {}
    for name, width, height, rate in found:
        try:
            mode = Mode(name, int(width), int(height), as_rate(rate))
        except ValueError:
            continue
        if mode.width > 0 and mode.height > 0 and mode.fps > 0:
            modes[mode] = None
    return tuple(modes)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera. ``device`` opens it; ``name`` is what a person knows it by and need not be unique."""

    name: str
    device: str
    modes: tuple[Mode, ...]
    driver: CameraDriver


@dataclass(frozen=True, slots=True)
class Microphone:
    """A microphone. ``device`` opens it; ``name`` is what a person knows it by and need not be unique."""

    name: str
    device: str
    driver: MicrophoneDriver


@dataclass(frozen=True, slots=True)
class Devices:
    """Everything that can be captured, in the order in which the system lists it."""

    cameras: list[Camera]
    microphones: list[Microphone]
