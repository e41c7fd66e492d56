"""Streams of another server are pulled, and what players decode is what was painted there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.interop.checks import assert_colours, assert_tone, assert_uninterrupted
from tests.interop.control import Control
from tests.interop.players import PICTURES, PLAYERS
from tests.interop.pulling import pulling
from tests.support.server import Server

SYSTEM_PYTHON = "/usr/bin/python3"
"""The interpreter that has Debian's bindings of GStreamer."""

SERVER = Path(__file__).parent / "gstreamer_server.py"

Serve = Callable[[str], str]
"""Starts a server that authenticates so; gives the host, port and path of its stream."""


@pytest.fixture
def gstreamer(server: Server) -> Iterator[Serve]:
    """GStreamer's server, which serves the test pattern again."""
    processes: list[subprocess.Popen[str]] = []

    def serve(method: str) -> str:
        command = [SYSTEM_PYTHON, str(SERVER), server.url, method, "anna", "p@ss/word"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "GStreamer's server did not start: `make test` installs its bindings"
        return f"127.0.0.1:{port}/far"

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("method", ["digest", "basic"])
def test_gstreamers_stream_arrives_whole(
    gstreamer: Serve, control: Control, method: str, transport: Literal["tcp", "udp"], tmp_path: Path
) -> None:
    with pulling(f"rtsp://anna:p%40ss%2Fword@{gstreamer(method)}", transport) as pull:
        assert pull.next_event().kind == "connected"
        recording = PLAYERS["ffmpeg"](pull.url, transport, tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    assert_tone(recording.sound, recording.sound_rate)


@pytest.mark.parametrize("method", ["digest", "basic"])
def test_a_wrong_password_is_told(gstreamer: Serve, method: str) -> None:
    with pulling(f"rtsp://anna:guess@{gstreamer(method)}", "auto") as pull:
        failed = pull.next_event()
    assert failed.kind == "failed"
    assert failed.reason is not None
    assert "user name and password" in failed.reason
    assert "guess" not in failed.reason


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_relay_pulls_from_a_relay(
    server: Server, control: Control, transport: Literal["tcp", "udp"], tmp_path: Path
) -> None:
    with pulling(server.url, transport) as pull:
        assert pull.next_event().kind == "connected"
        recording = PLAYERS["pyav"](pull.url, transport, tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    assert_tone(recording.sound, recording.sound_rate)
