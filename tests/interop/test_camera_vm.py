"""Real V4L2 cameras, in a virtual machine: served inside it as H.264, played from outside."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.players import play_ffmpeg
from tests.interop.recording import Recording
from tests.support.processes import run

REPOSITORY = Path(__file__).parents[2]

CONFIGURATION = """
host = "0.0.0.0"

[[users]]
name = "viewer"
password = "outside"

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

PICTURES = 20
"""Pictures to decode of each camera; the machine makes a few a second."""

log = logging.getLogger(__name__)


@contextmanager
def cameras(directory: Path) -> Iterator[str]:
    """Boot the machine and serve its cameras; give the URL before their paths."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (directory / "relaycore.toml").write_text(CONFIGURATION)
    serve = f"cd {REPOSITORY} && {sys.executable} -m relaycore serve /mnt/relaycore.toml --log-json"
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
        yield f"rtsp://viewer:outside@127.0.0.1:{port}"
    finally:
        machine.terminate()
        machine.communicate()


def assert_a_living_picture(recording: Recording) -> None:
    """Pictures that show something and are not all the same."""
    assert len(recording.pictures) == PICTURES
    assert all(picture.std() > 20 for picture in recording.pictures)
    assert (recording.pictures[0] != recording.pictures[-1]).any()


@pytest.mark.camera_vm
@pytest.mark.timeout(360)
def test_v4l2_cameras_are_played_from_outside_their_machine(tmp_path: Path) -> None:
    sizes = {"vivid": (640, 360), "hd": (640, 480)}
    with cameras(tmp_path) as base:
        for path, size in sizes.items():
            url = f"{base}/{path}"
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
