"""Real players come to the end of the way, and those that do not are counted where they stopped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from relaycore.journeys.report import Funnel, Question, ask
from tests.support.processes import run
from tests.support.server import serve

SECONDS = 11
"""A little more than has to be watched."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder for the server that the test starts."""
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path / "state"))
    return tmp_path / "state"


def play_ffmpeg(url: str, transport: str, *, seconds: int = SECONDS) -> None:
    source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", transport, "-i", url]
    run([*source, "-c", "copy", "-t", str(seconds), "-f", "null", "-"])


def play_mpv(url: str, transport: str) -> None:
    quiet = ["mpv", "--no-config", "--msg-level=all=error", "--vo=null", "--ao=null", "--untimed"]
    run([*quiet, f"--rtsp-transport={transport}", f"--length={SECONDS}", url])


def passed(funnel: Funnel) -> list[int]:
    return [stage.passed for stage in funnel.stages]


def test_players_are_counted_by_how_far_they_came(folder: Path) -> None:
    with serve("--camera", "pattern", "--microphone", "none") as server:
        plays = [
            partial(play_ffmpeg, server.url, "tcp"),
            partial(play_ffmpeg, server.url, "udp"),
            partial(play_ffmpeg, server.url, "tcp", seconds=1),
            partial(play_mpv, server.url, "tcp"),
        ]
        with ThreadPoolExecutor(len(plays)) as pool:
            for play in [pool.submit(play) for play in plays]:
                play.result()
        with pytest.raises(AssertionError):
            play_ffmpeg(server.url_of("nowhere"), "tcp")
        assert server.stop() == 0
    report = ask(folder, Question())
    assert passed(report.all) == [5, 5, 5, 4, 4, 4, 4, 4, 3, 3]
    assert {part.name: passed(part) for part in report.clients} == {
        "FFmpeg": [4, 4, 4, 3, 3, 3, 3, 3, 2, 2],
        "mpv": [1] * 10,
    }
    assert {part.name: passed(part) for part in report.transports} == {
        "tcp": [3, 3, 3, 3, 3, 3, 3, 3, 2, 2],
        "udp": [1] * 10,
        "": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    }
    assert {part.name: part.attempts for part in report.paths} == {"cam": 4, "": 1}
    ended = {(stage.stage, cause.cause): cause.count for stage in report.all.stages for cause in stage.ended}
    assert ended == {("authorised", "not found"): 1, ("first_key_frame", "client ended it"): 1}
    assert report.all.startup_ms is not None
