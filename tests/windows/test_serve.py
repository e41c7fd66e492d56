"""The camera of a Windows program, listed there and played on Linux."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.support.processes import run as run_here
from tests.windows.pictures import camera_pictures, number_of, play
from tests.windows.wine import CAMERA_NAME, run, serve

pytestmark = pytest.mark.timeout(240)

MODES = {
    *(("mjpeg", *size, 30.0) for size in [(1280, 720), (640, 480), (640, 360)]),
    *(("mjpeg", *size, 30.0) for size in [(352, 288), (320, 240), (176, 144)]),
    ("yuyv422", 1280, 720, 10.0),
}
"""What the made-up camera can do, which is what a laptop's can."""

PICTURES = 300
"""Ten seconds."""


def test_devices_lists_the_camera_with_all_its_modes() -> None:
    listed = run("devices", "--json")
    assert listed.returncode == 0, listed.stderr
    (camera,) = json.loads(listed.stdout)["cameras"]
    assert (camera["name"], camera["driver"]) == (CAMERA_NAME, "dshow")
    modes = {(mode["format"], mode["width"], mode["height"], mode["fps"]) for mode in camera["modes"]}
    assert modes == MODES


def test_devices_shows_a_table_with_the_name_of_the_camera() -> None:
    listed = run("devices")
    assert listed.returncode == 0, listed.stderr
    assert CAMERA_NAME in listed.stdout
    assert "mjpeg 1280x720 at 30" in listed.stdout


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ten_seconds_of_the_camera_are_played(transport: str, tmp_path: Path) -> None:
    shown = camera_pictures((1280, 720))
    with serve() as (server, url):
        probe = ["ffprobe", "-v", "error", "-rtsp_transport", transport, "-of", "json"]
        (video,) = json.loads(run_here([*probe, "-show_streams", url]))["streams"]
        assert (video["codec_name"], video["width"], video["height"]) == ("h264", 1280, 720)
        assert Fraction(video["r_frame_rate"]) == 30
        pictures = play(url, transport, PICTURES, tmp_path / "pictures")
    assert len(pictures) == PICTURES
    assert pictures.std(axis=(1, 2)).min() > 20
    numbers = [number_of(picture, shown) for picture in pictures]
    assert None not in numbers
    # Each picture is the next one but for those that relaycore says it has left out, as it may where the
    # machine is too slow; none comes twice.
    steps = np.diff(np.array(numbers, int)) % len(shown)
    assert steps.min() >= 1
    dropped = [record["dropped"] for record in server.log if record["message"] == "status"]
    assert (steps - 1).sum() <= max(dropped)
