"""A person's own ffmpeg publishes a camera of Windows to relaycore there; players on Linux show it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.processes import run as run_here
from tests.windows.pictures import Pictures, camera_pictures, number_of, play
from tests.windows.wine import Server, running, windows_ffmpeg, windows_path

pytestmark = pytest.mark.timeout(240)

COMMAND = (
    '-f dshow -s 320x240 -rtbufsize 2147.48M -r 30 -vcodec mjpeg -i video="HD Camera" '
    "-f rtsp -rtsp_transport tcp rtsp://localhost:8554/mystream"
)
"""What a person with such a camera types behind ``ffmpeg``, word for word, the usual port included."""

PICTURES = 60
"""Two seconds."""

ALIKE = 10.0
"""ffmpeg makes MPEG-4 of the camera's JPEG, at 200 kbit/s, when it is not told otherwise."""


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A relay that makes H.264 of other codecs, while ffmpeg publishes to it."""
    config = tmp_path_factory.mktemp("relay") / "relay.toml"
    config.write_text('[path_defaults]\ntranscode = "auto"\n')
    command = ("-m", "relaycore", "serve", windows_path(config), "--no-camera", "--log-json")
    with running(*command) as server:
        listening = server.wait_for(lambda record: record["message"] == "listening")
        assert (listening["host"], listening["port"]) == ("127.0.0.1", 8554)
        with windows_ffmpeg(*shlex.split(COMMAND)):
            server.wait_for(lambda record: record["message"] == "session started")
            yield server
        assert server.stop() == 0


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("path", "codec"), [("mystream", "mpeg4"), ("mystream/h264", "h264")])
def test_the_command_of_a_person_is_played(
    relay: Server, path: str, codec: str, transport: str, tmp_path: Path
) -> None:
    shown = camera_pictures((320, 240))
    url = f"rtsp://127.0.0.1:8554/{path}"
    probe = ["ffprobe", "-v", "error", "-rtsp_transport", transport, "-of", "csv=p=0"]
    assert run_here([*probe, "-show_entries", "stream=codec_name,width,height", url]) == f"{codec},320,240\n"
    assert_in_order(play(url, transport, PICTURES, tmp_path / "pictures"), shown)


def assert_in_order(pictures: Pictures, shown: Pictures) -> None:
    """Each picture is the camera's, and newer than the one before.

    ffmpeg leaves out or repeats pictures to keep the rate that it was asked for.
    """
    assert len(pictures) == PICTURES
    numbers = [number_of(picture, shown, ALIKE) for picture in pictures]
    assert None not in numbers
    steps = np.diff(np.array(numbers, int)) % len(shown)
    assert steps.max() <= len(shown) // 2, "a picture is older than the one before"
    assert steps.sum() >= PICTURES // 2
