"""What systems say of their devices, read from listings that were recorded."""

from fractions import Fraction
from pathlib import Path

from relaycore.capture import alsa, avfoundation, dshow
from relaycore.capture.model import Microphone, Mode

DSHOW_LIST = """\
"HD Camera" (video)
  Alternative name "@device_pnp_\\\\?\\usb#vid_0c45&pid_6366&mi_00#7&1b2c#{65e8773d}\\global"
"HD Camera" (video)
  Alternative name "@device_pnp_\\\\?\\usb#vid_0c45&pid_6366&mi_00#8&9f0e#{65e8773d}\\global"
"OBS Virtual Camera" (video)
  Alternative name "@device_sw_{860BB310}\\{A3FCE0F5}"
"Capture (USB) 2" (audio, video)
  Alternative name "@device_pnp_both"
"Mikrofon (Größe \\"L\\")" (audio)
  Alternative name "@device_cm_{33D9A762}\\wave_{D1}"
"Decoder" (none)
  Alternative name "@device_none"
"""

DSHOW_OPTIONS = """\
DirectShow video device options (from video devices)
 Pin "Capture" (alternative pin name "0")
  vcodec=mjpeg  min s=1280x720 fps=30 max s=1280x720 fps=30
  vcodec=mjpeg  min s=1280x720 fps=30 max s=1280x720 fps=30 (pc, bt470bg/bt709/unknown, center)
  vcodec=mjpeg  min s=640x480 fps=5 max s=640x480 fps=29.97
  pixel_format=yuyv422  min s=1280x720 fps=10 max s=1280x720 fps=10 (tv, bt470bg/bt709/unknown, topleft)
  vcodec=mpeg2video  min s=720x576 fps=25 max s=720x576 fps=25
  unknown compression type 0x30323449 min s=640x480 fps=30 max s=640x480 fps=30
"""

AVFOUNDATION_LIST = """\
AVFoundation video devices:
[0] FaceTime HD Camera
[1] Capture screen 0
AVFoundation audio devices:
[0] MacBook Pro Microphone
"""

AVFOUNDATION_MODES = """\
Selected video size (2x2) is not supported by the device.
Supported modes:
  1280x720@[15.000000 30.000030]fps
  1280x720@[15.000000 30.000030]fps
  640x480@[15.000000 30.000030]fps
"""

PROC_ASOUND_PCM = """\
00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
01-00: USB Audio : USB Audio : capture 1
02-00: : Dummy PCM : playback 8 : capture 8
nonsense
"""


def test_devices_of_one_name_are_told_apart_by_their_alternative_names() -> None:
    cameras = [(name, device) for name, device, is_camera in dshow.parse_list(DSHOW_LIST) if is_camera]
    assert [name for name, _ in cameras] == [
        "HD Camera",
        "HD Camera",
        "OBS Virtual Camera",
        "Capture (USB) 2",
    ]
    devices = [device for _, device in cameras]
    assert devices[0].startswith("@device_pnp_")
    assert devices[1].startswith("@device_pnp_")
    assert devices[0] != devices[1]
    assert devices[2:] == ["OBS Virtual Camera", "Capture (USB) 2"]


def test_microphones_are_listed_with_any_name() -> None:
    found = [device for _, device, is_camera in dshow.parse_list(DSHOW_LIST) if not is_camera]
    assert found == ['Mikrofon (Größe \\"L\\")']


def test_modes_of_dshow_are_read_once_each_and_unknown_codecs_left_out() -> None:
    assert dshow.parse_options(DSHOW_OPTIONS) == (
        Mode("mjpeg", 1280, 720, Fraction(30)),
        Mode("mjpeg", 640, 480, Fraction(2997, 100)),
        Mode("mjpeg", 640, 480, Fraction(5)),
        Mode("yuyv422", 1280, 720, Fraction(10)),
    )


def test_nothing_is_found_in_the_log_of_a_machine_without_devices() -> None:
    assert dshow.parse_list("Could not enumerate video devices (or none found).\n") == []
    assert dshow.parse_options("") == ()
    assert avfoundation.parse_list("") == ([], [])
    assert alsa.parse_pcm("") == []


def test_devices_of_avfoundation_are_listed_by_number() -> None:
    cameras, microphones = avfoundation.parse_list(AVFOUNDATION_LIST)
    assert cameras == [("0", "FaceTime HD Camera"), ("1", "Capture screen 0")]
    assert microphones == [("0", "MacBook Pro Microphone")]


def test_modes_of_avfoundation_come_from_a_refusal() -> None:
    assert avfoundation.parse_modes(AVFOUNDATION_MODES) == (
        Mode("nv12", 1280, 720, Fraction(30)),
        Mode("nv12", 1280, 720, Fraction(15)),
        Mode("nv12", 640, 480, Fraction(30)),
        Mode("nv12", 640, 480, Fraction(15)),
    )


def test_microphones_of_alsa_are_those_that_record() -> None:
    assert alsa.parse_pcm(PROC_ASOUND_PCM) == [
        Microphone("ALC257 Analog", "plughw:0,0", "alsa"),
        Microphone("USB Audio", "plughw:1,0", "alsa"),
        Microphone("Dummy PCM", "plughw:2,0", "alsa"),
    ]


def test_a_system_without_sound_has_no_microphones(tmp_path: Path) -> None:
    assert alsa.list_microphones(tmp_path / "pcm") == []
