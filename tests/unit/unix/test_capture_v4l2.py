"""Video4Linux2: what the kernel answers, recorded from a webcam driver and from a loopback."""

import errno
import os
import struct
from fractions import Fraction
from pathlib import Path

import pytest

from relaycore.capture import v4l2
from relaycore.capture.model import Mode

VIVID = bytes.fromhex(
    "76697669640000000000000000000000"
    "7669766964000000000000000000000000000000000000000000000000000000"
    "706c6174666f726d3a76697669642d3030300000000000000000000000000000"
    "c0010600010020850500200500000000" + "00" * 8
)
"""``struct v4l2_capability`` of vivid in Linux 6.1."""

METADATA = VIVID[:84] + struct.pack("=II", 0x8520_0001, 0x0080_0000) + VIVID[92:]
"""The second node of a webcam, for metadata: the device captures, this node does not."""

SIZE = bytes.fromhex("00000000595559560100000040010000b4000000").ljust(44, b"\0")
INTERVAL = bytes.fromhex("000000004d4a504780020000e001000001000000010000001e000000").ljust(52, b"\0")


class Driver:
    """Answers the requests for lists as a driver does."""

    def __init__(
        self, formats: dict[bytes, list[bytes]], intervals: dict[tuple[int, int], list[bytes]]
    ) -> None:
        self.formats, self.intervals = formats, intervals

    def __call__(self, request: int, argument: bytearray) -> None:
        index, fourcc = struct.unpack_from("=I4s", argument)
        try:
            if request == v4l2.ENUM_FMT:
                argument[44:48] = list(self.formats)[index]
            elif request == v4l2.ENUM_FRAMESIZES:
                answer = self.formats[fourcc][index]
                argument[8 : 8 + len(answer)] = answer
            elif request == v4l2.ENUM_FRAMEINTERVALS:
                size: tuple[int, int] = struct.unpack_from("=II", argument, 8)
                answer = self.intervals[size][index]
                argument[16 : 16 + len(answer)] = answer
        except (IndexError, KeyError):
            raise OSError(errno.EINVAL, "end of the list") from None


def single(*numbers: int) -> bytes:
    return struct.pack(f"={1 + len(numbers)}I", 1, *numbers)


def bounded(*numbers: int) -> bytes:
    return struct.pack(f"={1 + len(numbers)}I", 3, *numbers)


def test_the_name_and_the_kind_of_a_node_are_read() -> None:
    assert v4l2.parse_capability(VIVID) == ("vivid", True)


def test_a_node_for_metadata_is_no_camera() -> None:
    assert v4l2.parse_capability(METADATA) == ("vivid", False)


def test_recorded_sizes_and_intervals_are_read() -> None:
    assert v4l2.parse_size(SIZE) == (True, (320, 180))
    assert v4l2.parse_interval(INTERVAL) == (True, (Fraction(1, 30),))


def test_all_modes_of_a_webcam_are_listed() -> None:
    driver = Driver(
        {b"MJPG": [single(1280, 720), single(640, 480)], b"YUYV": [single(640, 480)]},
        {(1280, 720): [single(1, 30)], (640, 480): [single(1, 30), single(1001, 30000), single(2, 15)]},
    )
    assert v4l2.read_modes(driver) == (
        Mode("mjpeg", 1280, 720, Fraction(30)),
        Mode("mjpeg", 640, 480, Fraction(30)),
        Mode("mjpeg", 640, 480, Fraction(30000, 1001)),
        Mode("mjpeg", 640, 480, Fraction(15, 2)),
        Mode("yuyv422", 640, 480, Fraction(30)),
        Mode("yuyv422", 640, 480, Fraction(30000, 1001)),
        Mode("yuyv422", 640, 480, Fraction(15, 2)),
    )


def test_a_camera_of_any_size_and_rate_shows_the_usual_ones_within_its_bounds() -> None:
    driver = Driver(
        {b"YUYV": [bounded(48, 1024, 2, 32, 768, 2)]},
        {key: [bounded(1, 60, 1, 20, 1, 60)] for key in [(320, 240), (640, 360), (640, 480)]},
    )
    modes = v4l2.read_modes(driver)
    assert {(mode.width, mode.height) for mode in modes} == {(320, 240), (640, 360), (640, 480)}
    assert {mode.fps for mode in modes} == {30, 25}


def test_a_driver_that_tells_no_rates_is_taken_for_30() -> None:
    assert v4l2.read_modes(Driver({b"MJPG": [single(640, 480)]}, {})) == (
        Mode("mjpeg", 640, 480, Fraction(30)),
    )


def test_formats_that_ffmpeg_cannot_read_are_left_out() -> None:
    assert v4l2.read_modes(Driver({b"XXXX": [single(640, 480)]}, {})) == ()


def test_an_interval_of_zero_is_no_rate() -> None:
    driver = Driver({b"MJPG": [single(640, 480)]}, {(640, 480): [single(0, 30), single(1, 0), single(1, 25)]})
    assert [mode.fps for mode in v4l2.read_modes(driver)] == [25]


def test_a_list_without_an_end_is_cut_off() -> None:
    def endless(request: int, argument: bytearray) -> None:
        if request == v4l2.ENUM_FMT:
            argument[44:48] = b"MJPG"
        elif request == v4l2.ENUM_FRAMESIZES:
            argument[8:20] = single(640, 480)
        else:
            argument[16:28] = single(1, 30)

    assert v4l2.read_modes(endless) == (Mode("mjpeg", 640, 480, Fraction(30)),)


def test_files_that_are_no_cameras_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "video0").write_bytes(b"")
    (tmp_path / "video-notes").write_bytes(b"")
    assert v4l2.list_cameras(tmp_path) == []


def test_a_camera_that_may_not_be_opened_is_listed_without_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "video3").write_bytes(b"")

    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    (camera,) = v4l2.list_cameras(tmp_path)
    assert (camera.device, camera.modes) == (str(tmp_path / "video3"), ())
