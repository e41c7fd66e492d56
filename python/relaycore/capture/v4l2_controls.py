"""The controls of cameras of Linux, by the ioctls of Video4Linux2 (videodev2.h and v4l2-controls.h of Linux).

All of these are numbers of 32 bits, so that the plain ioctls do: the extended ones are for larger values and
for several at a time, which a driver still sets one by one.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from relaycore.capture.model import Control, ControlName
from relaycore.capture.v4l2 import Ioctl

__all__ = ["GONE", "Controls", "opened"]

QUERYCTRL: Final = 0xC0445624
QUERYMENU: Final = 0xC02C5625
G_CTRL: Final = 0xC008561B
S_CTRL: Final = 0xC008561C

GONE: Final = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOENT})
"""What a system call says of a camera that is not there any more."""

_BASE: Final = 0x0098_0900
_CAMERA: Final = 0x009A_0900

_IDS: Final[dict[ControlName, int]] = {
    "brightness": _BASE,
    "contrast": _BASE + 1,
    "saturation": _BASE + 2,
    "sharpness": _BASE + 27,
    "backlight": _BASE + 28,
    "exposure_auto": _CAMERA + 1,
    "exposure_time": _CAMERA + 2,
    "gain_auto": _BASE + 18,
    "gain": _BASE + 19,
    "white_balance_auto": _BASE + 12,
    "red_balance": _BASE + 14,
    "blue_balance": _BASE + 15,
    "focus_auto": _CAMERA + 12,
    "focus": _CAMERA + 10,
}

_INTEGER: Final = 1
_BOOLEAN: Final = 2
_MENU: Final = 3

_DISABLED: Final = 0x01
_GRABBED: Final = 0x02
_READ_ONLY: Final = 0x04
_WRITE_ONLY: Final = 0x40

_TIME_UNIT: Final = 100
"""Microseconds of one unit of the exposure time."""

# Time and iris by itself, both by hand, the time by hand, the iris by hand.
_EXPOSURE_AUTO, _EXPOSURE_MANUAL, _SHUTTER_PRIORITY, _APERTURE_PRIORITY = range(4)
_CHOOSES_TIME: Final = (_EXPOSURE_AUTO, _APERTURE_PRIORITY)
_TIME_BY_HAND: Final = (_EXPOSURE_MANUAL, _SHUTTER_PRIORITY)
"""The entries of the menu of exposure, the better ones first."""


@contextmanager
def opened(device: str) -> Iterator[Controls]:
    """The controls of a camera, which others may use meanwhile. OSError where it cannot be opened."""
    if sys.platform != "linux":
        raise OSError(errno.ENODEV, "there is no Video4Linux here")
    import fcntl

    descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def ioctl(request: int, argument: bytearray) -> None:
        fcntl.ioctl(descriptor, request, argument)

    try:
        yield Controls(ioctl)
    finally:
        os.close(descriptor)


class Controls:
    """The controls of a camera that is open. All methods block for as long as its driver does."""

    def __init__(self, ioctl: Ioctl) -> None:
        self._ioctl = ioctl

    def read(self) -> dict[ControlName, Control]:
        """All that there are. OSError where the camera is gone."""
        found = {}
        for name, number in _IDS.items():
            try:
                control = self._read(name, number)
            except OSError as error:
                if error.errno in GONE:
                    raise
                # Not there, or one that the driver itself cannot ask the camera for.
                continue
            if control is not None:
                found[name] = control
        return found

    def write(self, name: ControlName, value: int) -> None:
        """Sets one. OSError where the driver refuses it or the camera is gone."""
        if name == "exposure_auto":
            wanted = _CHOOSES_TIME if value else _TIME_BY_HAND
            value = next((entry for entry in wanted if self._has(_IDS[name], entry)), wanted[0])
        elif name == "exposure_time":
            value = round(value / _TIME_UNIT)
        self._ioctl(S_CTRL, bytearray(struct.pack("=Ii", _IDS[name], value)))

    def _read(self, name: ControlName, number: int) -> Control | None:
        """A control; ``None`` for one of another kind than it should be.

        ``struct v4l2_queryctrl``: u32 id, type, u8 name[32], s32 minimum, maximum, step, default, u32 flags,
        reserved[2].
        """
        asked = bytearray(struct.pack("=I", number)).ljust(68, b"\0")
        self._ioctl(QUERYCTRL, asked)
        (kind,) = struct.unpack_from("=I", asked, 4)
        least, most, step, default, flags = struct.unpack_from("=4iI", asked, 40)
        wanted = {"exposure_auto": (_MENU,), "backlight": (_INTEGER, _BOOLEAN)}
        if kind not in wanted.get(name, (_BOOLEAN,) if name.endswith("_auto") else (_INTEGER,)):
            return None
        if flags & (_DISABLED | _WRITE_ONLY) or least > most:
            return None
        argument = bytearray(struct.pack("=Ii", number, 0))
        self._ioctl(G_CTRL, argument)
        (value,) = struct.unpack_from("=i", argument, 4)
        changeable = not flags & (_GRABBED | _READ_ONLY) and least < most
        if name == "exposure_auto":
            by_hand = any(self._has(number, entry) for entry in _TIME_BY_HAND)
            chooses = any(self._has(number, entry) for entry in _CHOOSES_TIME)
            value, default = int(value in _CHOOSES_TIME), int(default in _CHOOSES_TIME)
            return Control(value, 0 if by_hand else 1, 1 if chooses else 0, 1, default, changeable)
        unit = _TIME_UNIT if name == "exposure_time" else 1
        least, most, step, default, value = (
            number * unit for number in (least, most, max(step, 1), default, value)
        )
        return Control(value, least, most, step, default, changeable)

    def _has(self, number: int, entry: int) -> bool:
        """Whether a menu has an entry. ``struct v4l2_querymenu``: u32 id, index, u8 name[32], reserved."""
        try:
            self._ioctl(QUERYMENU, bytearray(struct.pack("=II", number, entry)).ljust(44, b"\0"))
        except OSError as error:
            if error.errno in GONE:
                raise
            return False
        return True
