"""Opens devices, and says in words what went wrong: FFmpeg's errno says little, and on Windows nothing."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Final

import av

from relaycore.capture.ffmpeg_log import FFmpegLog, captured_log, in_words
from relaycore.capture.model import Camera, Microphone
from relaycore.errors import DeviceBusy, DeviceError, NoSuchDevice, NoSuchMode, PermissionRefused
from relaycore.language import Message

__all__ = ["explain", "opened", "reason_of"]

_BUSY: Final = ("device already in use", "RenderStream", "Device or resource busy", "in use by another")
_MISSING: Final = (
    "Could not find video device",
    "Could not find audio only device",
    "Could not enumerate",
    "No such file",
    "No such device",
    "Video device not found",
    "Audio device not found",
    "cannot open audio device",
)
_NO_MODE: Final = (
    "Could not set video options",
    "Cannot find a proper format",
    "Selected video size",
    "Selected framerate",
    "Selected pixel format",
    "is not supported by the device",
)
_REFUSED: Final = (
    "Permission denied",
    "Operation not permitted",
    "not authorized",
    "Access is denied",
    # What macOS says of a camera that a program may not use; other programs never keep it from one.
    "Failed to create AV capture input device",
)

_ALLOW: Final[Mapping[str, str]] = {
    "v4l2": Message("add yourself to the group `video` and log in again"),
    "alsa": Message("add yourself to the group `audio` and log in again"),
    "dshow": Message("in Settings, Privacy, {kind}, allow desktop apps to access your {small}"),
    "avfoundation": Message(
        "in System Settings, Privacy & Security, {kind}, allow it to the program in which relaycore runs, "
        "like Terminal, and start that anew"
    ),
}
"""How a person gets the right to use a device, by FFmpeg's name of the interface."""


def opened(
    device: Camera | Microphone, place: str, options: dict[str, str], timeout: tuple[float, float]
) -> av.container.InputContainer:
    """FFmpeg's input for a device at ``place``; ``timeout`` is for opening and for reading, in seconds.

    DeviceError that says why it cannot be opened.
    """
    with captured_log() as log:
        try:
            return av.open(place, format=device.driver, options=options, timeout=timeout)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise explain(device, error, log) from error


def explain(device: Camera | Microphone, error: Exception, log: FFmpegLog) -> DeviceError:
    """The error for a device that could not be opened."""
    name = device.name
    if isinstance(device, Camera):
        kind, small = Message("Camera"), Message("camera")
    else:
        kind, small = Message("Microphone"), Message("microphone")
    allow = Message(str(_ALLOW[device.driver]), kind=kind, small=small)
    number = error.errno if isinstance(error, OSError) else None
    text = f"{log.text()}\n{error}"

    def says(signs: Sequence[str]) -> bool:
        return any(sign in text for sign in signs)

    if number in (errno.EACCES, errno.EPERM) or says(_REFUSED):
        return PermissionRefused(
            Message("The system does not let you use {name}: {allow}.", name=repr(name), allow=allow)
        )
    if number == errno.EBUSY or says(_BUSY):
        advice = Message("close that program and try again")
        if device.driver == "dshow":
            # Windows gives the same error for both.
            advice = Message(
                "close that program and try again; if there is none, {allow}, and look for a switch or a key "
                "that turns it off",
                allow=allow,
            )
        return DeviceBusy(
            Message("{name} is used by another program: {advice}.", name=repr(name), advice=advice)
        )
    if says(_NO_MODE) or number == errno.EINVAL:
        modes = device.modes if isinstance(device, Camera) else ()
        there = "; ".join(str(mode) for mode in modes) or Message("see `relaycore devices`")
        return NoSuchMode(
            Message(
                "{name} has no such size, frame rate or format. It has: {there}.",
                name=repr(name),
                there=there,
            )
        )
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or says(_MISSING):
        return NoSuchDevice(
            Message("There is no device {name}: `relaycore devices` lists what there is.", name=repr(name))
        )
    reason = log.last_error() or reason_of(error)
    return DeviceError(
        Message(
            "{name} cannot be opened ({reason}): plug it in again, or choose another device.",
            name=repr(name),
            reason=reason,
        )
    )


def reason_of(error: Exception) -> str:
    """What an error of FFmpeg says, without its number and the arguments of the call."""
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return in_words(words)
