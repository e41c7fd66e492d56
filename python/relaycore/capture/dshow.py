"""Cameras and microphones of Windows, from what FFmpeg's DirectShow input logs.

Asking FFmpeg for the devices as a list fails on machines without a microphone, so its log is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Final

from relaycore.capture.ffmpeg_log import listing
from relaycore.capture.model import Camera, Devices, Microphone, Mode, listed_modes

__all__ = ["list_devices", "parse_list", "parse_options"]

_DEVICE: Final = re.compile(r'^"(?P<name>.*)" \((?P<kinds>[a-z, ]+)\)\s*$')
_ALTERNATIVE: Final = re.compile(r'^\s*Alternative name "(?P<name>.*)"\s*$')
_MODE: Final = re.compile(
    r"(?:vcodec=(?P<codec>\w+)|pixel_format=(?P<pixels>\w+))"
    r"\s+min s=(?P<least>\d+x\d+) fps=(?P<slowest>[\d.]+)"
    r"\s+max s=(?P<most>\d+x\d+) fps=(?P<fastest>[\d.]+)"
)
_CODECS: Final = ("mjpeg", "h264")
_NO_CAMERAS: Final = (
    "{33D9A762-90C8-11D0-BD43-00A0C911CE86}",
    "{E0F158E1-CB04-11D0-BD4E-00A0C911CE86}",
)
"""Categories of DirectShow in alternative names: what records sound and what plays it."""


def list_devices() -> Devices:
    """The devices with their modes."""
    cameras, microphones = [], []
    for name, device, is_camera in parse_list(listing("dshow", "video=dummy", {"list_devices": "true"})):
        if is_camera:
            modes = parse_options(listing("dshow", f"video={device}", {"list_options": "true"}))
            cameras.append(Camera(name, device, modes, "dshow"))
        else:
            microphones.append(Microphone(name, device, "dshow"))
    return Devices(cameras, microphones)


def parse_list(log: str) -> list[tuple[str, str, bool]]:
    """Name, device, and whether it is a camera, of what ``list_devices`` logs.

    ::

        "HD Camera" (video)
          Alternative name "@device_pnp_..."

    Two devices of one name are told apart by the alternative name, which then is the device to open, as it
    is where the name has a colon, at which FFmpeg would cut it. A virtual camera whose program does not run
    tells no kind (``none``): its alternative name says that it does not belong to the sound devices.
    """
    found: list[tuple[str, str, bool]] = []
    kinds: list[str] = []
    # Not `splitlines`: names may have other characters that end lines.
    for line in log.split("\n"):
        device = _DEVICE.match(line)
        alternative = _ALTERNATIVE.match(line)
        if device is not None:
            kinds = [kind.strip() for kind in device["kinds"].split(",")]
            found.append((device["name"], device["name"], "video" in kinds))
        elif alternative is not None and found:
            name, _, is_camera = found[-1]
            if kinds == ["none"]:
                is_camera = not any(category in alternative["name"] for category in _NO_CAMERAS)
            found[-1] = (name, alternative["name"], is_camera)
    keys = [(name, is_camera) for name, _, is_camera in found]
    return [
        (name, device if ":" in name or keys.count((name, is_camera)) > 1 else name, is_camera)
        for name, device, is_camera in found
    ]


def parse_options(log: str) -> tuple[Mode, ...]:
    """The modes of what ``list_options`` logs, without repetitions; of a range its ends.

    ::

    vcodec=mjpeg  min s=1280x720 fps=30 max s=1280x720 fps=30
    pixel_format=yuyv422  min s=1280x720 fps=10 max s=1280x720 fps=10
    """
    return listed_modes(_listed(log), lambda rate: Fraction(rate).limit_denominator(1001))


def _listed(log: str) -> Iterator[tuple[str, str, str, str]]:
    for line in log.splitlines():
        match = _MODE.search(line)
        if match is None or (match["codec"] and match["codec"] not in _CODECS):
            continue
        for size, rate in product((match["most"], match["least"]), (match["fastest"], match["slowest"])):
            width, height = size.split("x")
            yield match["codec"] or match["pixels"], width, height, rate
