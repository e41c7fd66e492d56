"""What went wrong with a device, in words: FFmpeg's errno says little, and on Windows nothing."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Final

from relaycore.capture.ffmpeg_log import FFmpegLog
from relaycore.capture.model import Mode
from relaycore.errors import DeviceBusy, DeviceError, NoSuchDevice, NoSuchMode, PermissionRefused

__all__ = ["explain", "reason_of"]

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
_REFUSED: Final = ("Permission denied", "Operation not permitted", "not authorized", "Access is denied")


def explain(name: str, error: Exception, log: FFmpegLog, modes: Sequence[Mode] = ()) -> DeviceError:
    """The error for a device that could not be opened. ``modes`` are those that it has."""
    number = error.errno if isinstance(error, OSError) else None
    text = f"{log.text()}\n{error}"

    def says(signs: Sequence[str]) -> bool:
        return any(sign in text for sign in signs)

    if number in (errno.EACCES, errno.EPERM) or says(_REFUSED):
        return PermissionRefused(
            f"The system does not let you use {name!r}: on Linux add yourself to the group `video` (for "
            "microphones `audio`) and log in again; on Windows and macOS allow access to it in the privacy "
            "settings."
        )
    if number == errno.EBUSY or says(_BUSY):
        return DeviceBusy(f"{name!r} is used by another program: close that program and try again.")
    if says(_NO_MODE) or number == errno.EINVAL:
        there = "; ".join(str(mode) for mode in modes) or "see `relaycore devices`"
        return NoSuchMode(f"{name!r} has no such size, frame rate or format. It has: {there}.")
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or says(_MISSING):
        return NoSuchDevice(f"There is no device {name!r}: `relaycore devices` lists what there is.")
    reason = log.last_error() or reason_of(error)
    return DeviceError(f"{name!r} cannot be opened ({reason}): plug it in again, or choose another device.")


def reason_of(error: Exception) -> str:
    """What an error of FFmpeg says, without its number and the arguments of the call."""
    words = error.strerror if isinstance(error, OSError) else None
    return words or str(error)
