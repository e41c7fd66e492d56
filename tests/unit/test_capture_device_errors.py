"""What a person is told when a device cannot be opened, by what FFmpeg logged."""

import errno
from fractions import Fraction

import av.logging
import pytest

from relaycore.capture.device_errors import explain, reason_of
from relaycore.capture.ffmpeg_log import FFmpegLog, captured_log, in_words
from relaycore.capture.model import Camera, CameraDriver, Microphone, Mode
from relaycore.errors import (
    DeviceBusy,
    DeviceError,
    NoSuchDevice,
    NoSuchMode,
    PermissionRefused,
)

MODES = (Mode("mjpeg", 640, 480, Fraction(30)),)


def cam(driver: CameraDriver) -> Camera:
    return Camera("Cam", "device", MODES, driver)


def refused(line: str) -> FFmpegLog:
    return FFmpegLog([(av.logging.ERROR, "input", line)])


@pytest.mark.parametrize(
    ("number", "line", "kind", "advice"),
    [
        (
            errno.ENOENT,
            "Cannot open video device /dev/video7: No such file or directory\n",
            NoSuchDevice,
            "lists",
        ),
        (errno.EBUSY, "", DeviceBusy, "close that program"),
        (
            errno.EACCES,
            "Cannot open video device /dev/video0: Permission denied\n",
            PermissionRefused,
            "group",
        ),
        (errno.EINVAL, "Cannot find a proper format for codec 'h264' (id 27)\n", NoSuchMode, "mjpeg 640x480"),
        (errno.EIO, "Could not set video options\n", NoSuchMode, "mjpeg 640x480 at 30 fps"),
        (
            errno.EIO,
            "Could not find video device with name [Cam] among source devices\n",
            NoSuchDevice,
            "lists",
        ),
        (
            errno.EIO,
            "Could not run graph (sometimes caused by a device already in use by other application)\n",
            DeviceBusy,
            "close that program",
        ),
        (errno.EIO, "Could not RenderStream to connect pins\n", DeviceBusy, "close that program"),
        (errno.EIO, "Selected video size (2x2) is not supported by the device.\n", NoSuchMode, "mjpeg"),
    ],
)
def test_errors_are_told_apart(number: int, line: str, kind: type[DeviceError], advice: str) -> None:
    error = explain(cam("v4l2"), OSError(number, "I/O error"), refused(line))
    assert type(error) is kind
    assert "Cam" in str(error)
    assert advice in str(error)


def test_an_unknown_reason_is_passed_on() -> None:
    log = FFmpegLog([(av.logging.ERROR, "x", "The moon is full.\n"), (av.logging.ERROR, "in", "I/O error\n")])
    error = explain(cam("dshow"), OSError(errno.EIO, "I/O error"), log)
    assert type(error) is DeviceError
    assert "The moon is full)" in str(error)


def test_windows_gives_one_error_for_another_program_and_for_privacy() -> None:
    line = "Could not run graph (sometimes caused by a device already in use by other application)\n"
    error = explain(cam("dshow"), OSError(errno.EIO, "I/O error"), refused(line))
    assert type(error) is DeviceBusy
    assert "close that program" in str(error)
    assert "Settings, Privacy, Camera" in str(error)


def test_what_a_person_has_to_allow_is_told_for_the_system_and_the_device() -> None:
    error = explain(
        cam("avfoundation"),
        OSError(errno.EIO, "I/O error"),
        refused("Failed to create AV capture input device: Cannot use FaceTime HD Camera\n"),
    )
    assert type(error) is PermissionRefused
    assert "System Settings, Privacy & Security, Camera" in str(error)
    microphone = Microphone("Mic", "Mic", "dshow")
    error = explain(microphone, OSError(errno.EIO, "I/O error"), refused("Access is denied.\n"))
    assert "Settings, Privacy, Microphone" in str(error)
    microphone = Microphone("Mic", "plughw:0,0", "alsa")
    error = explain(microphone, PermissionError(errno.EACCES, "Permission denied"), refused(""))
    assert "group `audio`" in str(error)


def test_lines_that_come_in_pieces_are_put_together() -> None:
    log = FFmpegLog(
        [(32, "dshow", '"HD Camera"'), (32, "dshow", " (video"), (32, "dshow", ")"), (32, "d", "\n")]
    )
    assert log.text() == '"HD Camera" (video)\n'
    assert log.errors() == []


def test_what_ffmpeg_says_is_captured_and_its_level_put_back() -> None:
    before = av.logging.get_level()
    with captured_log() as log, pytest.raises((av.FFmpegError, OSError, ValueError)):
        av.open("no_such_filter", format="lavfi")
    assert "no_such_filter" in log.text()
    assert av.logging.get_level() == before


def test_an_error_that_ffmpeg_has_only_a_number_for_gets_words() -> None:
    log = FFmpegLog([(av.logging.ERROR, "tcp", "Connection failed: Error number -107 occurred\n")])
    assert log.last_error() == "Connection failed: Connection refused"
    assert in_words("Error number -1 occurred") == "Error number -1 occurred"


def test_the_reason_leaves_out_numbers_and_arguments() -> None:
    assert reason_of(OSError(errno.EIO, "I/O error", "video=Cam")) == "I/O error"
    assert reason_of(ValueError("no such format")) == "no such format"
