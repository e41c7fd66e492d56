"""Decoded frames in the buffers of the encoder."""

import av
import numpy as np
import pytest

from relaycore._relaycore import FramePool
from relaycore.capture.colour import BT601, BT709, JPEG, Colour, colour_of
from relaycore.capture.unpack import fill_from_frame


def frame_of(form: str, width: int, height: int, grey: int = 100, *, full: bool = False) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, form)
    for plane in frame.planes:
        plane.update(bytes([grey]) * plane.buffer_size)
    if full:
        frame.color_range = 2
    return frame


def filled(frame: av.VideoFrame, width: int, height: int, *, full_range: bool) -> np.ndarray:
    buffer = FramePool(width, height).acquire()
    assert buffer is not None
    fill_from_frame(buffer, frame, full_range=full_range)
    return np.frombuffer(memoryview(buffer), np.uint8).copy()


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuyv422"])
def test_what_has_the_right_size_and_range_keeps_its_levels(form: str) -> None:
    picture = filled(frame_of(form, 64, 48), 64, 48, full_range=False)
    assert set(picture) == {100}


@pytest.mark.parametrize("form", ["yuvj420p", "yuvj422p"])
def test_pictures_of_jpeg_are_full_range(form: str) -> None:
    assert set(filled(frame_of(form, 64, 48), 64, 48, full_range=True)) == {100}


def test_planes_keep_their_places() -> None:
    frame = av.VideoFrame(32, 16, "yuvj422p")
    for plane, level in zip(frame.planes, (10, 20, 30), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    picture = filled(frame, 32, 16, full_range=True)
    assert set(picture[:512]) == {10}
    assert set(picture[512:640]) == {20}
    assert set(picture[640:]) == {30}


def test_full_range_is_converted_where_limited_is_wished() -> None:
    picture = filled(frame_of("yuvj422p", 64, 48, 255), 64, 48, full_range=False)
    assert abs(int(picture[0]) - 235) <= 1


def test_odd_sizes_lose_their_last_row_and_column() -> None:
    assert set(filled(frame_of("yuvj420p", 353, 287), 352, 286, full_range=True)) == {100}


@pytest.mark.parametrize("form", ["nv12", "rgb24", "gray", "yuvj444p"])
def test_other_formats_and_sizes_are_converted(form: str) -> None:
    picture = filled(frame_of(form, 128, 96), 64, 48, full_range=True)
    assert picture.size == 64 * 48 * 3 // 2
    assert picture[: 64 * 48].std() < 2


@pytest.mark.parametrize(
    ("frame", "colour"),
    [
        (frame_of("yuvj422p", 64, 48), JPEG),
        (frame_of("yuv420p", 64, 48), BT601),
        (frame_of("yuv420p", 1280, 720), BT709),
        (frame_of("yuv420p", 1280, 720, full=True), BT709.with_range(full=True)),
    ],
)
def test_colours_that_are_not_told_are_guessed_as_players_do(frame: av.VideoFrame, colour: Colour) -> None:
    assert colour_of(frame) == colour


def test_colours_that_are_told_are_kept() -> None:
    frame = frame_of("yuv420p", 64, 48)
    frame.colorspace = 1
    assert colour_of(frame) == BT709
