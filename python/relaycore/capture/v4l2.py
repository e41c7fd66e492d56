"""Cameras of Linux, asked through the ioctls of Video4Linux2 (linux/videodev2.h).

FFmpeg lists formats and sizes but no frame rates, so the kernel is asked itself.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

from relaycore.capture.model import Camera, Mode

__all__ = ["list_cameras", "parse_capability", "parse_interval", "parse_size", "read_modes"]

QUERYCAP: Final = 0x80685600
ENUM_FMT: Final = 0xC0405602
ENUM_FRAMESIZES: Final = 0xC02C564A
ENUM_FRAMEINTERVALS: Final = 0xC034564B

_VIDEO_CAPTURE: Final = 0x0000_0001
_STREAMING: Final = 0x0400_0000
_DEVICE_CAPS: Final = 0x8000_0000
_DISCRETE: Final = 1

_FORMATS: Final = {
    b"MJPG": "mjpeg",
    b"JPEG": "mjpeg",
    b"H264": "h264",
    b"YUYV": "yuyv422",
    b"UYVY": "uyvy422",
    b"NV12": "nv12",
    b"YU12": "yuv420p",
    b"422P": "yuv422p",
    b"RGB3": "rgb24",
    b"BGR3": "bgr24",
    b"GREY": "gray",
}
"""FFmpeg's names of the formats that are worth opening a camera for."""

_USUAL_SIZES: Final = ((320, 240), (640, 360), (640, 480), (1280, 720), (1920, 1080), (3840, 2160))
_USUAL_RATES: Final = (Fraction(30), Fraction(25), Fraction(15))
"""What is shown of a camera that takes any size or rate within bounds."""

_MOST: Final = 256
"""Entries of one list; a driver that never ends its list is cut off."""

_MOST_MODES: Final = 4096
"""Modes of one camera; vivid, which has more than any real one, has 800."""

Ioctl = Callable[[int, bytearray], None]
"""Does a request on an argument, in place. OSError with EINVAL at the end of a list."""


def list_cameras(folder: Path = Path("/dev")) -> list[Camera]:
    """The cameras, in the order of their numbers.

    A camera that this user may not open, or that does not answer, is listed without modes.
    """
    numbered = [
        (int(match[1]), path) for path in folder.glob("video*") if (match := _NUMBER.fullmatch(path.name))
    ]
    cameras = []
    for _, path in sorted(numbered):
        camera = _ask(path)
        if camera is not None:
            cameras.append(camera)
    return cameras


_NUMBER: Final = re.compile(r"video(\d+)")


def _ask(path: Path) -> Camera | None:
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except PermissionError:
        return Camera(_name_by_system(path), str(path), (), "v4l2")
    except OSError:
        return None

    def ioctl(request: int, argument: bytearray) -> None:
        fcntl.ioctl(descriptor, request, argument)

    try:
        capability = bytearray(104)
        ioctl(QUERYCAP, capability)
        name, captures = parse_capability(bytes(capability))
        return Camera(name, str(path), read_modes(ioctl), "v4l2") if captures else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _name_by_system(path: Path) -> str:
    try:
        return Path("/sys/class/video4linux", path.name, "name").read_text().strip()
    except OSError:
        return path.name


def read_modes(ioctl: Ioctl) -> tuple[Mode, ...]:
    """All modes in formats that FFmpeg can read, in the order of the driver, without repetitions."""
    return tuple(dict.fromkeys(islice(_modes(ioctl), _MOST_MODES)))


def _modes(ioctl: Ioctl) -> Iterator[Mode]:
    for fourcc in _fourccs(ioctl):
        name = _FORMATS.get(fourcc)
        if name is None:
            continue
        for width, height in _sizes(ioctl, fourcc):
            for fps in _rates(ioctl, fourcc, width, height):
                yield Mode(name, width, height, fps)


def parse_capability(data: bytes) -> tuple[str, bool]:
    """Name of a device, and whether it gives pictures, of a ``struct v4l2_capability`` (104 bytes).

    ::

        u8 driver[16], u8 card[32], u8 bus_info[32], u32 version, u32 capabilities, u32 device_caps
    """
    card = data[16:48].split(b"\0")[0].decode(errors="replace").strip()
    capabilities, device = struct.unpack_from("=II", data, 84)
    mine = device if capabilities & _DEVICE_CAPS else capabilities
    return card, bool(mine & _VIDEO_CAPTURE and mine & _STREAMING)


def parse_size(data: bytes) -> tuple[bool, tuple[int, ...]]:
    """Whether sizes are single, and the numbers, of a ``struct v4l2_frmsizeenum`` (44 bytes).

    ::

        u32 index, u32 pixel_format, u32 type
        single:    u32 width, u32 height
        otherwise: u32 min_width, max_width, step_width, min_height, max_height, step_height
    """
    (kind,) = struct.unpack_from("=I", data, 8)
    if kind == _DISCRETE:
        return True, struct.unpack_from("=II", data, 12)
    return False, struct.unpack_from("=6I", data, 12)


def parse_interval(data: bytes) -> tuple[bool, tuple[Fraction, ...]]:
    """Whether intervals are single, and the intervals in s, of a ``struct v4l2_frmivalenum`` (52 bytes).

    ::

        u32 index, u32 pixel_format, u32 width, u32 height, u32 type
        single:    u32 numerator, u32 denominator
        otherwise: the same for the shortest, the longest and the step
    """
    (kind,) = struct.unpack_from("=I", data, 16)
    numbers = struct.unpack_from("=4I", data, 20)
    fractions = tuple(
        Fraction(above, below) for above, below in (numbers[:2], numbers[2:]) if above > 0 and below > 0
    )
    return kind == _DISCRETE, fractions[:1] if kind == _DISCRETE else fractions


def _entries(ioctl: Ioctl, request: int, size: int, head: bytes) -> Iterator[bytes]:
    """The entries of a list: ``head`` follows the index, which is the first field of each."""
    for index in range(_MOST):
        entry = bytearray(struct.pack("=I", index) + head).ljust(size, b"\0")
        try:
            ioctl(request, entry)
        except OSError:
            return
        yield bytes(entry)


def _fourccs(ioctl: Ioctl) -> Iterator[bytes]:
    """``struct v4l2_fmtdesc``: u32 index, type, flags, u8 description[32], u32 pixelformat, reserved[4]."""
    for entry in _entries(ioctl, ENUM_FMT, 64, struct.pack("=I", 1)):
        yield entry[44:48]


def _sizes(ioctl: Ioctl, fourcc: bytes) -> Iterator[tuple[int, int]]:
    for entry in _entries(ioctl, ENUM_FRAMESIZES, 44, fourcc):
        single, numbers = parse_size(entry)
        if single:
            yield numbers[0], numbers[1]
            continue
        least_width, most_width, _, least_height, most_height, _ = numbers
        for width, height in _USUAL_SIZES:
            if least_width <= width <= most_width and least_height <= height <= most_height:
                yield width, height
        return


def _rates(ioctl: Ioctl, fourcc: bytes, width: int, height: int) -> Iterator[Fraction]:
    found = False
    for entry in _entries(ioctl, ENUM_FRAMEINTERVALS, 52, fourcc + struct.pack("=II", width, height)):
        single, intervals = parse_interval(entry)
        if single and intervals:
            found = True
            yield 1 / intervals[0]
        elif not single and len(intervals) == 2:
            found = True
            shortest, longest = intervals
            yield from (rate for rate in _USUAL_RATES if shortest <= 1 / rate <= longest)
            return
    if not found:
        # A driver that says nothing of its rates, such as a loopback: it gives what it is fed with.
        yield Fraction(30)
