"""Real players open the stream, and what they decode is what was painted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.checks import assert_colours, assert_tone, assert_uninterrupted, sound_lag
from tests.interop.control import Control
from tests.interop.players import PICTURES, PLAYERS
from tests.support.server import Server

SILENT = {"opencv", "retina"}
"""Players that give no decoded sound."""

TIMED = {"ffmpeg", "mpv", "pyav"}
"""Players whose recordings say when each picture and sound is to be shown."""

LARGEST_LAG = 0.040
"""Seconds that sound and picture may be apart: what broadcasters allow (EBU R37 has 40 ms before)."""


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("player", PLAYERS)
def test_player(server: Server, control: Control, player: str, transport: str, tmp_path: Path) -> None:
    recording = PLAYERS[player](server.url, transport, tmp_path)
    assert_uninterrupted(recording, PICTURES, control)
    assert_colours(recording.pictures[-1])
    if player not in SILENT:
        assert_tone(recording.sound, recording.sound_rate)
    if player in TIMED:
        assert abs(sound_lag(recording)) <= LARGEST_LAG
