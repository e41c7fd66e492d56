"""Players that reach the stream through HTTP, and what they decode is what was painted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.checks import assert_colours, assert_tone, assert_uninterrupted
from tests.interop.control import Control
from tests.interop.players import PICTURES, PLAYERS
from tests.support.server import Server

TUNNELS = {"ffmpeg": ("rtsp", "http"), "pyav": ("rtsp", "http"), "gstreamer": ("rtsph", "tcp")}
"""Players that know the tunnel, and the scheme and transport by which they are asked for it."""


@pytest.mark.parametrize("player", TUNNELS)
def test_player(server: Server, control: Control, player: str, tmp_path: Path) -> None:
    scheme, transport = TUNNELS[player]
    url = server.url.replace("rtsp://", f"{scheme}://")
    recording = PLAYERS[player](url, transport, tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    assert_tone(recording.sound, recording.sound_rate)
