"""What systems say of their devices, read from listings that were recorded."""

import random
from fractions import Fraction
from pathlib import Path

import pytest

from relaycore.capture import alsa, avfoundation, dshow
from relaycore.capture.ffmpeg_log import FFmpegLog
from relaycore.capture.model import Microphone, Mode

NAMES = (
    "HD Camera",
    "Камера «HD»",
    "ウェブカメラ 一号",
    'Cam "L" (video)',
    'Alternative name "x"',
    " two  spaces ",
    "a:b=c;d|e",
    "50% {0} \\n %s",
    "next\u2028line\x85feed\x0c",
    "😀",
    "'",
    '"',
)
"""What Windows allows as names of devices, which is anything."""

DSHOW_LIST = """\
"HD Camera" (video)
  Alternative name "@device_pnp_\\\\?\\usb#vid_0c45&pid_6366&mi_00#7&1b2c#{65e8773d}\\global"
"HD Camera" (video)
  Alternative name "@device_pnp_\\\\?\\usb#vid_0c45&pid_6366&mi_00#8&9f0e#{65e8773d}\\global"
"OBS Virtual Camera" (none)
  Alternative name "@device_sw_{860BB310-5D01-11D0-BD3B-00A0C911CE86}\\{A3FCE0F5}"
"Capture (USB) 2" (audio, video)
  Alternative name "@device_pnp_both"
"Mikrofon (Größe \\"L\\")" (audio)
  Alternative name "@device_cm_{33D9A762}\\wave_{D1}"
"Line: 1" (audio)
  Alternative name "@device_cm_{33D9A762-90C8-11D0-BD43-00A0C911CE86}\\wave_{D2}"
"Stereo Mix" (none)
  Alternative name "@device_cm_{33D9A762-90C8-11D0-BD43-00A0C911CE86}\\wave_{D3}"
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
    assert found == [
        'Mikrofon (Größe \\"L\\")',
        "@device_cm_{33D9A762-90C8-11D0-BD43-00A0C911CE86}\\wave_{D2}",
        "Stereo Mix",
    ]


def test_modes_of_dshow_are_read_once_each_and_unknown_codecs_left_out() -> None:
    assert dshow.parse_options(DSHOW_OPTIONS) == (
        Mode("mjpeg", 1280, 720, Fraction(30)),
        Mode("mjpeg", 640, 480, Fraction(2997, 100)),
        Mode("mjpeg", 640, 480, Fraction(5)),
        Mode("yuyv422", 1280, 720, Fraction(10)),
    )


def test_a_range_of_sizes_gives_its_ends() -> None:
    line = "  pixel_format=nv12  min s=160x120 fps=5 max s=1920x1080 fps=30\n"
    assert dshow.parse_options(line) == (
        Mode("nv12", 1920, 1080, Fraction(30)),
        Mode("nv12", 1920, 1080, Fraction(5)),
        Mode("nv12", 160, 120, Fraction(30)),
        Mode("nv12", 160, 120, Fraction(5)),
    )


def test_sizes_and_rates_that_are_none_are_left_out() -> None:
    # Python reads no number of so many digits.
    endless = "9" * 5000
    rates = (("0", "0"), ("1.2.3", "."), ("30", "30"))
    sizes = ("0x480", "640x0", f"{endless}x480", "640x480")
    lines = [
        f"  vcodec=mjpeg  min s={size} fps={slow} max s={size} fps={fast}\n"
        for size in sizes
        for slow, fast in rates
    ]
    assert dshow.parse_options("".join(lines)) == (Mode("mjpeg", 640, 480, Fraction(30)),)
    lines = [f"  {size}@[{slow} {fast}]fps\n" for size in sizes for slow, fast in rates]
    assert avfoundation.parse_modes("".join(lines)) == (Mode("nv12", 640, 480, Fraction(30)),)


@pytest.mark.parametrize("seed", range(50))
def test_any_names_are_read_from_a_log_that_comes_in_pieces(seed: int) -> None:
    dice = random.Random(seed)
    devices = [
        (
            dice.choice(NAMES),
            f"@device_pnp_{number}#{{65e8773d}}",
            dice.choice(("video", "audio, video", "audio")),
        )
        for number in range(dice.randrange(6))
    ]
    text = "".join(f'"{name}" ({kinds})\n  Alternative name "{unique}"\n' for name, unique, kinds in devices)
    cuts = sorted(dice.randrange(len(text) + 1) for _ in range(10))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    log = FFmpegLog([(32, "dshow", piece) for piece in pieces])
    found = dshow.parse_list(log.text())
    expected = [(name, unique, "video" in kinds) for name, unique, kinds in devices]
    assert [(name, is_camera) for name, _, is_camera in found] == [
        (name, is_camera) for name, _, is_camera in expected
    ]
    # Each of them can be opened: by a name that is its own and that FFmpeg does not cut, or by the other one.
    for (name, device, is_camera), (_, unique, _) in zip(found, expected, strict=True):
        alike = [other for other in expected if (other[0], other[2]) == (name, is_camera)]
        assert device == (unique if len(alike) > 1 or ":" in name else name)


@pytest.mark.parametrize("seed", range(50))
def test_a_damaged_log_is_read_as_far_as_it_goes(seed: int) -> None:
    dice = random.Random(seed)
    for text in (DSHOW_LIST, DSHOW_OPTIONS, AVFOUNDATION_LIST, AVFOUNDATION_MODES):
        letters = list(text)
        for _ in range(dice.randrange(1, 30)):
            letters[dice.randrange(len(letters))] = dice.choice(['"', "\n", "\0", "x", "0", ".", "(", "🎥"])
        damaged = "".join(letters[dice.randrange(40) : len(letters) - dice.randrange(40)])
        devices = [device for _, device, _ in dshow.parse_list(damaged)]
        devices += [name for found in avfoundation.parse_list(damaged) for _, name in found]
        assert all(device in damaged for device in devices)
        modes = (*dshow.parse_options(damaged), *avfoundation.parse_modes(damaged))
        assert all(mode.width > 0 and mode.height > 0 and mode.fps > 0 for mode in modes)


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
        Mode("nv12", 1280, 720, Fraction("30.00003")),
        Mode("nv12", 1280, 720, Fraction(15)),
        Mode("nv12", 640, 480, Fraction("30.00003")),
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
