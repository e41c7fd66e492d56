"""Players and programs over encrypted connections, and what they get is what was painted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.checks import assert_colours, assert_tone, assert_uninterrupted
from tests.interop.control import Control
from tests.interop.players import PICTURES, PLAYERS, SIZE
from tests.support.processes import run
from tests.support.server import Server, serve

ENCRYPTED = ("ffmpeg", "mpv", "gstreamer", "opencv", "pyav")
"""Players that know `rtsps://`."""


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def server(state: Path) -> Iterator[Server]:
    """The test pattern, encrypted with a certificate that was made at the start."""
    pattern = ("--camera", "pattern", "--size", f"{SIZE[0]}x{SIZE[1]}", "--fps", "30")
    with serve(*pattern, "--tls", "--state-folder", str(state)) as server:
        yield server


@pytest.mark.parametrize("player", ENCRYPTED)
def test_player(server: Server, control: Control, player: str, tmp_path: Path) -> None:
    url = server.url.replace("rtsp://", "rtsps://")
    recording = PLAYERS[player](url, "tcp", tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    if recording.sound.size:
        assert_tone(recording.sound, recording.sound_rate)


def test_curl_trusts_the_certificate_that_was_made(server: Server, state: Path) -> None:
    _, port = server.address
    trusted = ["curl", "--silent", "--show-error", "--cacert", str(state / "tls" / "certificate.pem")]
    found = json.loads(run([*trusted, f"https://localhost:{port}/api/v1/streams"]))
    assert [stream["path"] for stream in found["streams"]] == ["cam"]
    # Without trust it does not take it, and nothing of that harms the server.
    refused = subprocess.run(["curl", "--silent", f"https://localhost:{port}/"], check=False)
    assert refused.returncode == 60


def test_openssl_speaks_both_versions_and_nothing_older(server: Server) -> None:
    host, port = server.address
    for version, is_spoken in (("tls1_3", True), ("tls1_2", True), ("tls1_1", False)):
        client = subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}", f"-{version}"],
            input=b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
            capture_output=True,
            check=False,
            timeout=20,
        )
        assert (b"no peer certificate available" in client.stdout) != is_spoken, version


def test_who_logs_in_and_publishes_does_so_within_the_encryption(tmp_path: Path) -> None:
    options = ("--no-camera", "--tls", "--state-folder", str(tmp_path), "--user", "anna:open sesame")
    with serve(*options, streams=0) as server:
        host, port = server.address
        url = f"rtsps://anna:open%20sesame@{host}:{port}/pushed"
        picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30"]
        encode = ["-c:v", "libx264", "-g", "15", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
        command = ["ffmpeg", "-v", "error", "-nostdin", *picture, *encode, "-f", "rtsp", url]
        publisher = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            server.wait_for("session started")
            found = run(
                ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width", "-of", "csv=p=0", url]
            )
            curl = ["curl", "--silent", "--insecure", "--digest", "--user", "anna:open sesame"]
            sessions = json.loads(run([*curl, f"https://{host}:{port}/api/v1/sessions"]))
        finally:
            publisher.terminate()
            publisher.wait(20)
    assert found.strip() == "h264,320"
    assert {session["user"] for session in sessions["sessions"]} == {"anna"}
