"""Cameras and microphones of Windows, from what FFmpeg's DirectShow input logs.

Asking FFmpeg for the devices as a list fails on machines without a microphone, so its log is read.
"""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from typing import Final

import av

from relaycore.capture.ffmpeg_log import captured_log
from relaycore.capture.model import Camera, Devices, Microphone, Mode

__all__ = ["list_devices", "parse_list", "parse_options"]

_DEVICE: Final = re.compile(r'^\s*"(?P<name>.*)" \((?P<kinds>[a-z, ]+)\)\s*$')
_ALTERNATIVE: Final = re.compile(r'^\s*Alternative name "(?P<name>.*)"\s*$')
_MODE: Final = re.compile(
    r"(?:vcodec=(?P<codec>\w+)|pixel_format=(?P<pixels>\w+))"
    r"\s+min s=\d+x\d+ fps=(?P<slowest>[\d.]+)"
    r"\s+max s=(?P<width>\d+)x(?P<height>\d+) fps=(?P<fastest>[\d.]+)"
)
_CODECS: Final = ("mjpeg", "h264")


def list_devices() -> Devices:
    """The devices with their modes."""
    cameras, microphones = [], []
    for name, device, is_camera in parse_list(_log("video=dummy", "list_devices")):
        if is_camera:
            modes = parse_options(_log(f"video={device}", "list_options"))
            cameras.append(Camera(name, device, modes, "dshow"))
        else:
            microphones.append(Microphone(name, device, "dshow"))
    return Devices(cameras, microphones)


def parse_list(log: str) -> list[tuple[str, str, bool]]:
    """Name, device, and whether it is a camera, of what ``list_devices`` logs.

    ::

        "HD Camera" (video)
          Alternative name "@device_pnp_..."

    Two devices of one name are told apart by the alternative name, which then is the device to open.
    """
    found: list[tuple[str, str, bool]] = []
    for line in log.splitlines():
        device = _DEVICE.match(line)
        alternative = _ALTERNATIVE.match(line)
        if device is not None:
            kinds = [kind.strip() for kind in device["kinds"].split(",")]
            if "video" in kinds or "audio" in kinds:
                found.append((device["name"], device["name"], "video" in kinds))
        elif alternative is not None and found:
            name, _, is_camera = found[-1]
            found[-1] = (name, alternative["name"], is_camera)
    keys = [(name, is_camera) for name, _, is_camera in found]
    return [
        (name, device if keys.count((name, is_camera)) > 1 else name, is_camera)
        for name, device, is_camera in found
    ]


def parse_options(log: str) -> tuple[Mode, ...]:
    """The modes of what ``list_options`` logs, without repetitions.

    ::

    vcodec=mjpeg  min s=1280x720 fps=30 max s=1280x720 fps=30
    pixel_format=yuyv422  min s=1280x720 fps=10 max s=1280x720 fps=10
    """
    modes: dict[Mode, None] = {}
    for line in log.splitlines():
        match = _MODE.search(line)
        if match is None or (match["codec"] and match["codec"] not in _CODECS):
            continue
        width, height = int(match["width"]), int(match["height"])
        for rate in (match["fastest"], match["slowest"]):
            fps = Fraction(rate).limit_denominator(1001)
            if fps > 0:
                modes[Mode(match["codec"] or match["pixels"], width, height, fps)] = None
    return tuple(modes)


def _log(device: str, what: str) -> str:
    # FFmpeg always ends a listing with an error.
    with captured_log() as log, suppress(av.FFmpegError, OSError, ValueError):
        av.open(device, format="dshow", options={what: "true"}, timeout=10.0).close()
    return log.text()
