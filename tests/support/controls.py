"""A camera of Video4Linux that is made up, with the controls that a test gives it."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest

from relaycore.capture import controls
from relaycore.capture.opening import Sources
from relaycore.capture.pattern_source import PatternSource
from relaycore.capture.source import Captured
from relaycore.capture.v4l2_controls import G_CTRL, QUERYCTRL, QUERYMENU, S_CTRL, Controls
from relaycore.errors import DeviceLost
from relaycore.pipeline import camera, capture_loop
from relaycore.settings import CameraSettings

# V4L2_CID_BRIGHTNESS and so on, of linux/v4l2-controls.h.
BRIGHTNESS, CONTRAST, SATURATION = 0x980900, 0x980901, 0x980902
WHITE_BALANCE, RED, BLUE, AUTOGAIN, GAIN = 0x98090C, 0x98090E, 0x98090F, 0x980912, 0x980913
SHARPNESS, BACKLIGHT = 0x98091B, 0x98091C
EXPOSURE, TIME, FOCUS, AUTOFOCUS = 0x9A0901, 0x9A0902, 0x9A090A, 0x9A090C

INTEGER, BOOLEAN, MENU = 1, 2, 3


@dataclass
class Knob:
    """A control."""

    value: int = 128
    least: int = 0
    most: int = 255
    step: int = 1
    default: int = 128
    kind: int = INTEGER
    flags: int = 0
    entries: tuple[int, ...] = ()
    """Of a menu."""


def switch(on: bool) -> Knob:
    return Knob(int(on), 0, 1, 1, 1, BOOLEAN)


def webcam() -> dict[int, Knob]:
    """What a webcam has: it chooses exposure and white balance by itself, and its focus has a motor."""
    return {
        BRIGHTNESS: Knob(),
        CONTRAST: Knob(32),
        SATURATION: Knob(64),
        SHARPNESS: Knob(3, 0, 7),
        BACKLIGHT: Knob(0, 0, 2, default=1),
        EXPOSURE: Knob(3, 0, 3, 1, 3, MENU, entries=(1, 3)),
        TIME: Knob(157, 1, 5000),
        GAIN: Knob(10, 0, 100),
        WHITE_BALANCE: switch(True),
        AUTOFOCUS: switch(True),
        FOCUS: Knob(20, 0, 250, 5, 0),
    }


@dataclass
class Driver:
    """The driver of one camera."""

    knobs: dict[int, Knob] = field(default_factory=webcam)
    written: list[tuple[int, int]] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    """Controls that it does not set, and the error that it gives then."""
    gone: bool = False

    @contextmanager
    def opened(self, device: str) -> Iterator[Controls]:
        """In place of what opens a device."""
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        yield Controls(self.ioctl)

    def ioctl(self, request: int, argument: bytearray) -> None:
        """As the kernel does it."""
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        (number,) = struct.unpack_from("=I", argument)
        knob = self.knobs.get(number)
        if knob is None:
            raise OSError(errno.EINVAL, "Invalid argument")
        if request == QUERYCTRL:
            assert len(argument) == 68
            numbers = (knob.least, knob.most, knob.step, knob.default, knob.flags)
            struct.pack_into("=II", argument, 0, number, knob.kind)
            struct.pack_into("=4iI", argument, 40, *numbers)
        elif request == QUERYMENU:
            assert len(argument) == 44
            if struct.unpack_from("=I", argument, 4)[0] not in knob.entries:
                raise OSError(errno.EINVAL, "Invalid argument")
        elif request == G_CTRL:
            struct.pack_into("=i", argument, 4, knob.value)
        else:
            assert request == S_CTRL
            self._set(number, knob, struct.unpack_from("=i", argument, 4)[0])

    def _set(self, number: int, knob: Knob, value: int) -> None:
        if number in self.refused:
            raise OSError(self.refused[number], "It does not like that")
        chooser = {TIME: EXPOSURE, FOCUS: AUTOFOCUS, GAIN: AUTOGAIN, RED: WHITE_BALANCE, BLUE: WHITE_BALANCE}
        chooses = self.knobs.get(chooser.get(number, 0))
        if chooses is not None and (chooses.value in (0, 3) if chooses.kind == MENU else chooses.value):
            raise OSError(errno.EACCES, "Permission denied")
        self.written.append((number, value))
        knob.value = value


class Webcam(PatternSource):
    """A pattern that is taken for a camera, and can be unplugged."""

    pulled = False

    def __init__(self, wait: Any, name: str) -> None:
        super().__init__(320, 180, 10, wait=wait)
        self.format = replace(self.format, name=name, device="/dev/made-up", driver="v4l2")

    def read(self) -> Captured:
        if self.pulled:
            raise DeviceLost("It was unplugged.")
        return super().read()


class Bench:
    """The cameras that were opened, and their driver."""

    def __init__(self) -> None:
        self.driver = Driver()
        self.opened: list[Webcam] = []
        self.name = "Cam"

    def choose(self, settings: CameraSettings, wait: Any) -> Sources:
        def open_video() -> Webcam:
            if self.driver.gone:
                raise DeviceLost("It is not there.")
            self.opened.append(Webcam(wait, self.name))
            return self.opened[-1]

        return Sources(open_video, None, None)

    @classmethod
    def installed(cls, monkeypatch: pytest.MonkeyPatch) -> Self:
        """One whose camera is opened in place of any other, and comes back at once."""
        made = cls()
        monkeypatch.setattr(camera, "choose_sources", made.choose)
        monkeypatch.setattr(capture_loop, "RETRY_SECONDS", (0.01,))
        monkeypatch.setitem(controls.DRIVERS, "v4l2", made.driver.opened)
        return made
