"""Cameras and microphones of macOS, from what FFmpeg's AVFoundation input logs."""

from __future__ import annotations

import re
from typing import Final

from relaycore.capture.ffmpeg_log import listing
from relaycore.capture.model import Camera, Devices, Microphone, Mode, listed_modes

__all__ = ["list_devices", "parse_list", "parse_modes"]

_SECTION: Final = re.compile(r"AVFoundation (video|audio) devices:")
_DEVICE: Final = re.compile(r"^\s*\[(\d+)\] (.+?)\s*$")
_MODE: Final = re.compile(r"(\d+)x(\d+)@\[([\d.]+) ([\d.]+)\]fps")
_SCREEN: Final = "Capture screen"
_PIXELS: Final = "nv12"
"""What cameras of macOS deliver without a conversion."""


def list_devices() -> Devices:
    """The devices with their modes. Screens are left out."""
    cameras, microphones = parse_list(listing("avfoundation", "", {"list_devices": "true"}))
    return Devices(
        [
            Camera(
                name,
                number,
                parse_modes(listing("avfoundation", f"{number}:none", {"video_size": "2x2"})),
                "avfoundation",
            )
            for number, name in cameras
            if not name.startswith(_SCREEN)
        ],
        [Microphone(name, f":{number}", "avfoundation") for number, name in microphones],
    )


def parse_list(log: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Number and name of the cameras and of the microphones, of what ``list_devices`` logs.

    ::

    AVFoundation video devices:
    [0] FaceTime HD Camera
    AVFoundation audio devices:
    [0] MacBook Pro Microphone
    """
    found: dict[str, list[tuple[str, str]]] = {"video": [], "audio": []}
    section = None
    for line in log.splitlines():
        title, device = _SECTION.search(line), _DEVICE.match(line)
        if title is not None:
            section = title[1]
        elif device is not None and section is not None:
            found[section].append((device[1], device[2]))
    return found["video"], found["audio"]


def parse_modes(log: str) -> tuple[Mode, ...]:
    """The modes of what is logged when a size is asked for that no camera has.

    ::

    Supported modes:
      1280x720@[1.000000 30.000000]fps
    """
    # Rates as they are listed: FFmpeg asks the system for this very one.
    return listed_modes(
        (_PIXELS, width, height, rate)
        for width, height, slowest, fastest in _MODE.findall(log)
        for rate in (fastest, slowest)
    )
