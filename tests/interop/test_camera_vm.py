"""Real V4L2 cameras, in a virtual machine: served inside it as H.264, played and set from outside."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from PIL import Image

from relaycore.http_digest import HttpDigest
from tests.interop.players import play_ffmpeg
from tests.interop.recording import Recording
from tests.support.onvif import Answer, Client
from tests.support.processes import run

REPOSITORY = Path(__file__).parents[2]

CONFIGURATION = """
host = "0.0.0.0"
state_folder = "/tmp/state"

[[users]]
name = "viewer"
password = "outside"

[[users]]
name = "operator"
password = "outside"
role = "operator"

[cameras.vivid]
camera = "/dev/video0"
size = "640x360"

[cameras.hd]
camera = "/dev/video9"
size = "640x480"
"""
"""vivid gives YUYV and other raw formats, the other one MJPEG with 4:2:2 sampling."""

BOOT_LIMIT = 300
"""Seconds until the machine has to end by itself: it has no hardware acceleration."""

IMAGING = "<timg:{name}><timg:VideoSourceToken>{camera}</timg:VideoSourceToken>{inside}</timg:{name}>"
"""A request to the imaging service."""

PICTURES = 20
"""Pictures to decode of each camera; the machine makes a few a second."""

log = logging.getLogger(__name__)


@contextmanager
def cameras(directory: Path) -> Iterator[str]:
    """Boot the machine and serve its cameras; give the address of the relay."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (directory / "relaycore.toml").write_text(CONFIGURATION)
    serve = (
        f"cd {REPOSITORY} && PYTHONPATH=python {sys.executable} -m relaycore serve /mnt/relaycore.toml "
        "--log-json"
    )
    command = [REPOSITORY / "scripts" / "camera_vm.sh", "--share", directory, "--forward", f"{port}:8554"]
    machine = subprocess.Popen(
        [*map(str, command), "--timeout", str(BOOT_LIMIT), serve],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert machine.stdout is not None
    try:
        served, said = set(), []
        for line in machine.stdout:
            said.append(line)
            record = json.loads(line) if line.startswith("{") else {}
            if record.get("message") == "serving":
                served.add(record["path"])
                log.info("%(path)s: %(camera)s, %(mode)s, %(encoder)s", record)
                if served == {"hd", "vivid"}:
                    break
        assert served == {"hd", "vivid"}, "".join(said)
        yield f"127.0.0.1:{port}"
    finally:
        machine.terminate()
        machine.communicate()


def assert_a_living_picture(recording: Recording) -> None:
    """Pictures that show something and are not all the same."""
    assert len(recording.pictures) == PICTURES
    assert all(picture.std() > 20 for picture in recording.pictures)
    assert (recording.pictures[0] != recording.pictures[-1]).any()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The relay in the machine."""
    with cameras(tmp_path_factory.mktemp("machine")) as address:
        yield address


@pytest.mark.camera_vm
@pytest.mark.timeout(360)
def test_v4l2_cameras_are_played_from_outside_their_machine(relay: str, tmp_path: Path) -> None:
    sizes = {"vivid": (640, 360), "hd": (640, 480)}
    for path, size in sizes.items():
        url = f"rtsp://viewer:outside@{relay}/{path}"
        probe = [
            "ffprobe",
            "-v",
            "error",
            "-rtsp_transport",
            "tcp",
            "-select_streams",
            "v",
            "-of",
            "json",
        ]
        shown = ["-show_entries", "stream=codec_name,pix_fmt,width,height", url]
        (video,) = json.loads(run([*probe, *shown]))["streams"]
        assert (video["codec_name"], video["width"], video["height"]) == ("h264", *size)
        assert_a_living_picture(play_ffmpeg(url, "tcp", tmp_path, PICTURES))
        log.info("%s: %d pictures of %s decoded outside", path, PICTURES, video)


@pytest.mark.camera_vm
@pytest.mark.timeout(360)
async def test_a_v4l2_camera_is_made_brighter_by_onvif(relay: str) -> None:
    login = HttpDigest("operator", "outside")
    async with aiohttp.ClientSession(middlewares=(login,)) as http:
        client = Client(f"http://{relay}", http)

        async def ask(name: str, inside: str = "", camera: str = "vivid") -> Answer:
            body = IMAGING.format(name=name, camera=camera, inside=inside)
            answer = await client.call(body, "/onvif/imaging_service")
            assert answer.status == 200, "".join(answer.root.itertext())
            return answer

        async def change(settings: str) -> Answer:
            await ask("SetImagingSettings", f"<timg:ImagingSettings>{settings}</timg:ImagingSettings>")
            return await ask("GetImagingSettings")

        options = await ask("GetOptions")
        assert (options.text(".//tt:Brightness/tt:Min"), options.text(".//tt:Brightness/tt:Max")) == (
            "0",
            "255",
        )
        dark = bright = usual = await mean_of_newest(http, relay)
        answer = await change("<tt:Brightness>20</tt:Brightness>")
        # Each answer asks the driver anew.
        assert answer.text(".//tt:Brightness") == "20"
        # Some pictures that were captured before are still on their way.
        while dark > usual - 20:
            dark = await mean_of_newest(http, relay)
        answer = await change("<tt:Brightness>230</tt:Brightness>")
        assert answer.text(".//tt:Brightness") == "230"
        while bright < usual + 20:
            bright = await mean_of_newest(http, relay)
        log.info("means of vivid's pictures at brightness 20, 128, 230: %.0f %.0f %.0f", dark, usual, bright)
        answer = await change("<tt:Exposure><tt:Mode>MANUAL</tt:Mode><tt:Gain>77</tt:Gain></tt:Exposure>")
        assert (answer.text(".//tt:Exposure/tt:Mode"), answer.text(".//tt:Exposure/tt:Gain")) == (
            "MANUAL",
            "77",
        )
        # v4l2loopback has controls, but none that is one of a camera.
        (settings,) = (await ask("GetImagingSettings", camera="hd")).all(".//timg:ImagingSettings")
        assert len(settings) == 0


async def mean_of_newest(http: aiohttp.ClientSession, relay: str) -> float:
    """The mean of the newest picture of vivid."""
    async with http.get(f"http://{relay}/vivid/snapshot.jpg") as response:
        assert response.status == 200
        picture = Image.open(BytesIO(await response.read()))
    return float(np.asarray(picture.convert("L")).mean())
