"""The camera of a Windows program, listed there and played on Linux."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support.processes import run as run_here
from tests.windows.pictures import Pictures, camera_pictures, number_of, play, play_gstreamer
from tests.windows.wine import CAMERA_NAME, Server, run, serve

pytestmark = pytest.mark.timeout(300)

MODES = {
    *(("mjpeg", *size, 30.0) for size in [(1280, 720), (640, 480), (640, 360)]),
    *(("mjpeg", *size, 30.0) for size in [(352, 288), (320, 240), (176, 144)]),
    ("yuyv422", 1280, 720, 10.0),
}
"""What the made-up camera can do, which is what a laptop's can."""

PICTURES = 1800
"""A minute."""

LIMIT = 180.0
"""Seconds for a minute of pictures; only a hang takes that long."""


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


def test_a_minute_of_the_camera_is_played(tmp_path: Path) -> None:
    """By two players over two transports at the same time."""
    shown = camera_pictures((1280, 720))
    with serve() as (server, url), ThreadPoolExecutor() as playing:
        probe = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-of", "json"]
        (video,) = json.loads(run_here([*probe, "-show_streams", url]))["streams"]
        assert (video["codec_name"], video["width"], video["height"]) == ("h264", 1280, 720)
        (mode,) = [record["mode"] for record in server.log if record["message"] == "serving"]
        assert mode.startswith("mjpeg 1280x720 at 30")
        played = {
            (player.__name__, transport): playing.submit(
                player, url, transport, PICTURES, tmp_path / f"{player.__name__}.{transport}", LIMIT
            )
            for player in (play, play_gstreamer)
            for transport in ("tcp", "udp")
        }
        for who, pictures in played.items():
            assert_whole(pictures.result(), shown, server, who)


def assert_whole(pictures: Pictures, shown: Pictures, server: Server, who: tuple[str, str]) -> None:
    """Each picture is the camera's next one, but for those that relaycore says it has left out.

    It does so where the machine is too slow to encode all; none comes twice.
    """
    assert len(pictures) == PICTURES, who
    assert pictures.std(axis=(1, 2)).min() > 20, who
    numbers = [number_of(picture, shown) for picture in pictures]
    assert None not in numbers, who
    steps = np.diff(np.array(numbers, int)) % len(shown)
    assert steps.min() >= 1, who
    dropped = max(record["dropped"] for record in server.log if record["message"] == "status")
    assert (steps - 1).sum() <= dropped, who
