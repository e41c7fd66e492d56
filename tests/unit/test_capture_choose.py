"""Which camera and which mode is taken."""

from fractions import Fraction

import pytest

from relaycore.capture.choose import best_mode, find_camera, find_microphone, why_mode
from relaycore.capture.model import Camera, Microphone, Mode
from relaycore.errors import NoSuchDevice, NoSuchMode


def mode(form: str, width: int, height: int, fps: int) -> Mode:
    return Mode(form, width, height, Fraction(fps))


HD = Camera(
    "HD Camera",
    "/dev/video0",
    (
        mode("yuyv422", 640, 480, 30),
        mode("yuyv422", 1280, 720, 10),
        mode("yuyv422", 1920, 1080, 5),
        mode("mjpeg", 640, 480, 30),
        mode("mjpeg", 1280, 720, 60),
        mode("mjpeg", 1280, 720, 30),
        mode("mjpeg", 3840, 2160, 30),
    ),
    "v4l2",
)
H264 = Camera(
    "Conference",
    "/dev/video2",
    (*HD.modes, mode("h264", 1280, 720, 30), mode("h264", 1920, 1080, 30)),
    "v4l2",
)
BARE = Camera("bare", "/dev/video4", (), "v4l2")
TWIN = Camera("HD Camera", "/dev/video6", HD.modes, "v4l2")


def test_the_largest_fluent_mode_up_to_1080p_is_taken() -> None:
    assert best_mode(HD, None, None) == mode("mjpeg", 1280, 720, 30)


def test_a_wished_size_and_rate_are_kept() -> None:
    assert best_mode(HD, (640, 480), None) == mode("mjpeg", 640, 480, 30)
    assert best_mode(HD, None, 60.0) == mode("mjpeg", 1280, 720, 60)
    assert best_mode(HD, (1920, 1080), None) == mode("yuyv422", 1920, 1080, 5)
    assert best_mode(HD, (3840, 2160), None) == mode("mjpeg", 3840, 2160, 30)


def test_a_low_wished_rate_takes_the_larger_picture() -> None:
    assert best_mode(HD, None, 5.0) == mode("yuyv422", 1920, 1080, 5)


def test_h264_of_a_camera_is_passed_through_unless_an_encoder_is_named() -> None:
    assert best_mode(H264, None, None, "auto") == mode("h264", 1920, 1080, 30)
    assert best_mode(H264, (1280, 720), 30.0, "libx264") == mode("mjpeg", 1280, 720, 30)
    assert best_mode(H264, None, None, "copy") == mode("h264", 1920, 1080, 30)
    assert best_mode(HD, None, None, "copy") == mode("mjpeg", 1280, 720, 30)


def test_only_larger_modes_give_the_smallest_of_them() -> None:
    large = Camera("4K", "x", (mode("mjpeg", 3840, 2160, 30), mode("mjpeg", 2560, 1440, 30)), "v4l2")
    assert best_mode(large, None, None) == mode("mjpeg", 2560, 1440, 30)


@pytest.mark.parametrize(
    ("camera", "size", "encoder", "says"),
    [
        (HD, (800, 600), "auto", "no size 800x600: choose one of 640x480, 1280x720"),
        (HD, (1920, 1080), "copy", "choose one of 640x480, 1280x720, 3840x2160"),
        (BARE, None, "auto", "lists no modes"),
        (
            Camera("raw", "x", (mode("yuyv422", 640, 480, 30),), "v4l2"),
            None,
            "copy",
            "another encoder than `copy`",
        ),
    ],
)
def test_what_a_camera_does_not_have_is_said(
    camera: Camera, size: tuple[int, int] | None, encoder: str, says: str
) -> None:
    with pytest.raises(NoSuchMode, match=says):
        best_mode(camera, size, None, encoder)


def test_a_camera_is_found_by_device_name_or_part_of_it() -> None:
    cameras = [HD, H264]
    assert find_camera(None, cameras) is HD
    assert find_camera("/dev/video2", cameras) is H264
    assert find_camera("hd camera", cameras) is HD
    assert find_camera("conf", cameras) is H264
    assert find_camera(None, []) is None


def test_a_camera_that_tells_its_modes_goes_before_one_that_does_not() -> None:
    assert find_camera(None, [BARE, HD]) is HD
    assert find_camera(None, [BARE]) is BARE


def test_a_name_of_two_cameras_is_refused_with_their_devices() -> None:
    with pytest.raises(NoSuchDevice, match=r"several devices.*/dev/video0.*/dev/video6"):
        find_camera("HD Camera", [HD, TWIN])
    assert find_camera("/dev/video6", [HD, TWIN]) is TWIN


def test_an_unknown_camera_is_said_with_those_there_are() -> None:
    with pytest.raises(NoSuchDevice, match=r"no camera and no file 'Logi'.*'HD Camera' \(/dev/video0\)"):
        find_camera("Logi", [HD])
    with pytest.raises(NoSuchDevice, match="pattern"):
        find_camera("Logi", [])


def test_microphones_are_found_in_the_same_way() -> None:
    one = Microphone("USB Audio", "plughw:1,0", "alsa")
    assert find_microphone("auto", [one]) is one
    assert find_microphone("auto", []) is None
    assert find_microphone("usb", [one]) is one
    with pytest.raises(NoSuchDevice, match="`--microphone none`"):
        find_microphone("usb", [])


def test_why_a_mode_was_taken_is_said_in_a_sentence() -> None:
    taken = best_mode(HD, None, None)
    assert why_mode(taken, HD.modes, None).startswith(
        "mjpeg 1280x720 at 30 fps: the largest size up to 1920x1080 that is fluent; the camera has "
    )
    assert "asked for" in why_mode(taken, HD.modes, (1280, 720))
    assert why_mode(taken, [taken], None) == "mjpeg 1280x720 at 30 fps: the camera has no other mode"
    large = mode("mjpeg", 3840, 2160, 30)
    assert "the smallest size" in why_mode(large, [large, mode("mjpeg", 7680, 4320, 30)], None)
