"""What a camera sends, whole or damaged, on its way into the encoder's buffers."""

import errno
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from relaycore._relaycore import FramePool
from relaycore.capture import device
from relaycore.capture.device import CameraSource
from relaycore.capture.model import Camera, CameraDriver, Mode
from relaycore.capture.source import BadPicture
from relaycore.errors import DeviceLost, NoSuchMode
from relaycore.smallest_delay import STEP_NS

WIDTH, HEIGHT = 64, 48
MODE = Mode("mjpeg", WIDTH, HEIGHT, Fraction(30))
CAMERA = Camera("Cam", "/dev/video0", (MODE,), "v4l2")


def picture(form: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A grey JPEG, or H.264 picture, of this camera."""
    width, height = size
    codec, pixels = ("mjpeg", form) if form.startswith("yuvj") else ("libx264", "yuv420p")
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base = Fraction(1, 30)
    frame = av.VideoFrame(width, height, pixels)
    for plane, level in zip(frame.planes, (90, 128, 128), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(frame) + encoder.encode(None))


def camera_that_sends(
    pictures: list[bytes],
    codec: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: Sequence[int] | None = None,
) -> CameraSource:
    """A camera whose packets come from a file, which keeps any bytes as they are; times are in frames."""
    place = tmp_path / "camera.nut"
    with av.open(str(place), "w") as container:
        stream = container.add_stream(codec, 30)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj422p" if codec == "mjpeg" else "yuv420p"
        for number, data in zip(times or range(len(pictures)), pictures, strict=True):
            packet = av.Packet(data or 0)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 30), stream
            container.mux(packet)

    def open_file(camera: Camera, mode: Mode) -> tuple[object, object]:
        container = av.open(str(place))
        return container, container.streams.video[0]

    monkeypatch.setattr(device, "_open", open_file)
    return CameraSource(CAMERA, MODE)


def filled(source: CameraSource) -> set[int]:
    buffer = FramePool(WIDTH, HEIGHT).acquire()
    assert buffer is not None
    source.read().fill(buffer)
    return set(np.frombuffer(memoryview(buffer), np.uint8)[: WIDTH * HEIGHT])


@pytest.mark.parametrize("form", ["yuvj420p", "yuvj422p", "yuvj444p"])
def test_jpeg_of_any_sampling_is_decoded(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = camera_that_sends([picture(form)] * 2, "mjpeg", tmp_path, monkeypatch)
    assert source.format.codec == "jpeg"
    assert source.format.colour.full_range
    assert max(abs(level - 90) for level in filled(source)) <= 1
    source.close()


def test_bytes_around_a_jpeg_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = picture("yuvj422p")
    source = camera_that_sends([whole, whole + bytes(5000)], "mjpeg", tmp_path, monkeypatch)
    assert source.read().encoded == whole
    assert source.read().encoded == whole
    source.close()


def test_a_broken_segment_is_no_damage_but_remarked_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = picture("yuvj422p")
    broken = whole[:2] + b"\xff\xe0\x00\x00" + whole[2:]
    source = camera_that_sends([whole, broken], "mjpeg", tmp_path, monkeypatch)
    assert source.read().remark is None
    captured = source.read()
    assert captured.encoded == broken
    assert captured.remark == "Cam sends JPEG segments that are broken; its pictures are whole."
    source.close()


def test_a_damaged_jpeg_is_left_out_and_the_next_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = picture("yuvj422p")
    damaged = [whole[: len(whole) // 2], b"no picture at all", whole[:20]]
    source = camera_that_sends([whole, *damaged, whole], "mjpeg", tmp_path, monkeypatch)
    source.read()
    for _ in damaged:
        with pytest.raises(BadPicture):
            source.read()
    assert max(abs(level - 90) for level in filled(source)) <= 1
    source.close()


def test_h264_is_passed_on_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = picture("h264")
    source = camera_that_sends([sent] * 2, "h264", tmp_path, monkeypatch)
    captured = source.read()
    assert source.format.codec == "h264"
    assert captured.encoded == sent
    source.close()


def test_an_empty_picture_is_left_out_and_the_next_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = picture("yuvj422p")
    source = camera_that_sends([whole, b"", whole], "mjpeg", tmp_path, monkeypatch)
    source.read()
    with pytest.raises(BadPicture, match="empty"):
        source.read()
    assert source.read().encoded == whole
    source.close()


@pytest.mark.parametrize("size", [(128, 96), (65, 49), (1, 1)])
def test_a_picture_of_another_size_is_made_to_fit(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = camera_that_sends([picture("yuvj422p", size)], "mjpeg", tmp_path, monkeypatch)
    assert max(abs(level - 90) for level in filled(source)) <= 1
    source.close()


def test_times_that_jump_neither_stop_nor_delay_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = picture("yuvj422p")
    times = [10**9, 10**9 + 1, 10**9 + 900, 10**9 + 901, 5 * 10**9, 5 * 10**9 + 1]
    source = camera_that_sends([whole] * len(times), "mjpeg", tmp_path, monkeypatch, times)
    for _ in times:
        captured = source.read()
        assert captured.received_ns - STEP_NS < captured.captured_ns <= captured.received_ns
    source.close()


def test_a_camera_that_sends_no_more_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = camera_that_sends([picture("yuvj422p")], "mjpeg", tmp_path, monkeypatch)
    source.read()
    with pytest.raises(DeviceLost, match="Cam was lost: plug it in again"):
        source.read()
    source.close()


@pytest.mark.parametrize(("driver", "tries"), [("dshow", 2), ("v4l2", 1)])
def test_a_listed_rate_that_directshow_refuses_is_left_to_the_camera(
    driver: CameraDriver, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    def refuse(place: str, *, options: dict[str, str], **_: object) -> None:
        asked.append(dict(options))
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(NoSuchMode):
        device._open(Camera("Cam", "x", (MODE,), driver), MODE)
    assert len(asked) == tries
    assert "framerate" in asked[0]
    assert [options["video_size"] for options in asked] == ["64x48"] * tries
    assert all("framerate" not in options for options in asked[1:])


def test_the_arguments_are_those_of_each_system() -> None:
    mode = Mode("yuyv422", 640, 480, Fraction(30000, 1001))
    sized = {"video_size": "640x480", "framerate": "30000/1001"}
    expected = {
        "v4l2": ("x", {**sized, "input_format": "yuyv422"}),
        "dshow": ("video=x", {**sized, "pixel_format": "yuyv422", "rtbufsize": "64M"}),
        "avfoundation": ("x:none", {**sized, "pixel_format": "yuyv422"}),
    }
    for driver, arguments in expected.items():
        assert device._arguments(Camera("Cam", "x", (mode,), driver), mode) == arguments  # type: ignore[arg-type]
