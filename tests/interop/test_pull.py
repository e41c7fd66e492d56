"""Streams of another server are pulled, and what players decode is what was painted there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

import av
import pytest

from tests.interop.checks import assert_colours, assert_tone, assert_uninterrupted
from tests.interop.control import Control
from tests.interop.players import PICTURES, PLAYERS
from tests.interop.pulling import pulling
from tests.support.processes import run
from tests.support.server import Server

SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter that has Debian's bindings of GStreamer."""

RECORDED = 8
"""Seconds of the file that GStreamer's server plays: a player reads two of them."""

SERVER = Path(__file__).parent / "gstreamer_server.py"


class GStreamer:
    """GStreamer's server, which serves the file ``source`` to who has the password."""

    def __init__(self, source: Path, method: str) -> None:
        self._source = source
        self._method = method
        self._port = "0"
        self.start()

    def start(self) -> None:
        """Start it, on the port that it had before."""
        words = [SYSTEM_PYTHON, SERVER, self._source, self._port, self._method, "anna", "p@ss/word"]
        self._process = subprocess.Popen(
            [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._port = self._process.stdout.readline().strip()
        assert self._port, "GStreamer's server did not start: `make test` installs its bindings"

    def kill(self) -> None:
        """End it without a goodbye."""
        self._process.kill()
        self._process.communicate()

    def url(self, password: str = "p%40ss%2Fword") -> str:
        """The URL of its stream."""
        return f"rtsp://anna:{password}@127.0.0.1:{self._port}/far"


@pytest.fixture
def method() -> str:
    """How it asks for the password."""
    return "digest"


@pytest.fixture(scope="module")
def recorded(server: Server, control: Control, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of the test pattern, as they were sent; ``control`` knows which pictures those are."""
    file = tmp_path_factory.mktemp("pull") / "pattern.mkv"
    source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", server.url]
    run([*source, "-t", str(RECORDED), "-c", "copy", file])
    return file


@pytest.fixture
def gstreamer(recorded: Path, method: str) -> Iterator[GStreamer]:
    """GStreamer's server with the test pattern."""
    gstreamer = GStreamer(recorded, method)
    yield gstreamer
    gstreamer.kill()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("method", ["digest", "basic"])
def test_gstreamers_stream_arrives_whole(
    gstreamer: GStreamer, control: Control, transport: Literal["tcp", "udp"], tmp_path: Path
) -> None:
    with pulling(gstreamer.url(), transport) as pull:
        pull.connected()
        recording = PLAYERS["ffmpeg"](pull.url, transport, tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    assert_tone(recording.sound, recording.sound_rate)


@pytest.mark.parametrize("method", ["digest", "basic"])
def test_a_wrong_password_is_told(gstreamer: GStreamer) -> None:
    with pulling(gstreamer.url("guess"), "auto") as pull:
        failed = pull.next_event()
    assert failed.kind == "failed"
    assert failed.reason is not None
    assert "user name and password" in failed.reason
    assert "guess" not in failed.reason


def times(packets: Iterator[av.Packet[av.VideoStream]], count: int) -> list[int]:
    """Timestamps of so many pictures; FFmpeg gives none to the very first."""
    return [packet.dts for packet in islice(packets, count) if packet.dts is not None]


def test_readers_stay_while_the_server_is_gone_and_time_goes_on(gstreamer: GStreamer) -> None:
    with pulling(gstreamer.url(), "tcp") as pull:
        pull.connected()
        with av.open(pull.url, options={"rtsp_transport": "tcp"}, timeout=20.0) as container:
            pictures = container.demux(video=0)
            seen = times(pictures, 30)
            for _ in range(3):
                gstreamer.kill()
                assert pull.next_event().kind == "failed"
                gstreamer.start()
                pull.connected()
                seen += times(pictures, 30)
    assert len(seen) >= 119
    assert all(before < after for before, after in pairwise(seen)), seen


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_relay_pulls_from_a_relay(
    server: Server, control: Control, transport: Literal["tcp", "udp"], tmp_path: Path
) -> None:
    with pulling(server.url, transport) as pull:
        pull.connected()
        recording = PLAYERS["pyav"](pull.url, transport, tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    assert_tone(recording.sound, recording.sound_rate)
