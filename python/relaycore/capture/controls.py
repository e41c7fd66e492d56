"""What can be set of a camera itself: its brightness, its exposure, and so on, by its driver's own controls.

Cameras of Video4Linux have them. FFmpeg's inputs of Windows and macOS give no way to them, and what is no
camera has none. All functions block for as long as the driver does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol, get_args

from relaycore.capture import v4l2_controls
from relaycore.capture.model import CameraDriver, Control, ControlName
from relaycore.capture.source import SourceFormat
from relaycore.errors import ConfigurationError, DeviceError, DeviceLost
from relaycore.language import Message

__all__ = ["CONTROL_NAMES", "change_controls", "read_controls", "restore_controls"]

CONTROL_NAMES: Final[tuple[ControlName, ...]] = get_args(ControlName)
"""All of them."""

_BY_ITSELF: Final[Mapping[ControlName, ControlName]] = {
    "exposure_time": "exposure_auto",
    "gain": "gain_auto",
    "red_balance": "white_balance_auto",
    "blue_balance": "white_balance_auto",
    "focus": "focus_auto",
}
"""What a camera chooses by itself, and the control that says whether."""


class Controls(Protocol):
    """The controls of a camera that is open."""

    def read(self) -> dict[ControlName, Control]:
        """All that there are. OSError where the camera is gone."""

    def write(self, name: ControlName, value: int) -> None:
        """Sets one. OSError where the driver refuses it."""


DRIVERS: Final[dict[CameraDriver, Callable[[str], AbstractContextManager[Controls]]]] = {
    "v4l2": v4l2_controls.opened
}
"""Where there are controls: what opens them by the device."""


def read_controls(camera: SourceFormat) -> dict[ControlName, Control]:
    """The controls of what is open as a source, where it has some. DeviceError where they are not told."""
    with _opened(camera) as controls:
        return {} if controls is None else controls.read()


def change_controls(camera: SourceFormat, wishes: Mapping[ControlName, int]) -> None:
    """Sets all of these, or none.

    ConfigurationError for one that the camera has not, or that is out of its range; DeviceError where the
    driver refuses one.
    """
    with _opened(camera) as controls:
        found = {} if controls is None else controls.read()
        for name, value in wishes.items():
            _check(camera, name, value, found.get(name))
        if controls is None:
            return
        done: list[ControlName] = []
        for name, value in _in_order(wishes):
            # What was chosen by the camera until now is set, though it had this value at that moment.
            if value == found[name].value and _BY_ITSELF.get(name) not in done:
                continue
            try:
                controls.write(name, value)
            except OSError as error:
                for before in reversed(done):
                    with contextlib.suppress(OSError):
                        controls.write(before, found[before].value)
                if error.errno in v4l2_controls.GONE:
                    raise
                raise DeviceError(
                    Message(
                        "{camera} does not take {value} for {control} ({reason}).",
                        camera=camera.name,
                        value=value,
                        control=name,
                        reason=error.strerror,
                    )
                ) from error
            done.append(name)


def restore_controls(camera: SourceFormat, wishes: Mapping[ControlName, int]) -> list[ControlName]:
    """Sets those of these that the camera takes, as it is now; gives those that it did not. DeviceError."""
    refused: list[ControlName] = []
    with _opened(camera) as controls:
        if controls is None:
            return list(wishes)
        found = controls.read()
        for name, value in _in_order(wishes):
            chooser = _BY_ITSELF.get(name)
            if chooser in found and wishes.get(chooser, found[chooser].value):
                continue
            try:
                _check(camera, name, value, found.get(name))
                controls.write(name, value)
            except (OSError, ConfigurationError):
                refused.append(name)
    return refused


@contextlib.contextmanager
def _opened(camera: SourceFormat) -> Iterator[Controls | None]:
    open_controls = None if camera.driver is None else DRIVERS.get(camera.driver)
    if open_controls is None:
        yield None
        return
    try:
        with open_controls(camera.device) as controls:
            yield controls
    except OSError as error:
        if error.errno in v4l2_controls.GONE:
            raise DeviceLost(
                Message(
                    "{name} was lost: plug it in again ({reason_of}).",
                    name=camera.name,
                    reason_of=error.strerror,
                )
            ) from error
        raise DeviceError(
            Message(
                "The controls of {camera} cannot be reached ({reason}).",
                camera=camera.name,
                reason=error.strerror,
            )
        ) from error


def _check(camera: SourceFormat, name: ControlName, value: int, control: Control | None) -> None:
    if control is None or not control.changeable:
        raise ConfigurationError(
            Message("{camera} has no control {control} that can be set.", camera=camera.name, control=name)
        )
    if not control.least <= value <= control.most:
        raise ConfigurationError(
            Message(
                "{control} of {camera} goes from {least} to {most}.",
                control=name,
                camera=camera.name,
                least=control.least,
                most=control.most,
            )
        )


def _in_order(wishes: Mapping[ControlName, int]) -> list[tuple[ControlName, int]]:
    """First who chooses, since a camera takes nothing that it chooses by itself."""
    return sorted(wishes.items(), key=lambda wish: wish[0] in _BY_ITSELF)
