"""What the relay sees of a viewer in a browser, and what the player adds."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from relaycore.journeys.report import Question, ask
from tests.browser.playing import player_in, plays_by
from tests.browser.seen import wait_for_picture
from tests.support.server import serve


def test_a_viewer_is_counted_by_what_was_sent_and_what_was_shown(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path))
    with serve("--camera", "pattern", "--size", "640x360", "--fps", "30") as server:
        host, port = server.address
        with page.expect_response("**/cam/journey"):
            page.goto(f"http://{host}:{port}/cam")
            wait_for_picture(plays_by(player_in(page), "webrtc"))
        page.goto("about:blank")
        server.wait_for("session ended")
        assert server.stop() == 0
    report = ask(tmp_path, Question())
    assert [(part.name, part.attempts) for part in report.protocols] == [("webrtc", 1)]
    assert [part.name for part in report.clients] == ["Chrome"]
    assert [stage.passed for stage in report.all.stages] == [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]
    (cause,) = report.all.stages[7].ended
    assert cause.cause == "client ended it"
    playbacks = report.all.playbacks
    assert playbacks is not None
    assert (playbacks.count, playbacks.errors) == (1, [])
    assert report.all.startup_ms is not None
    assert playbacks.video_startup_ms is not None
